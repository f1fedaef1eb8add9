"""Learned maps between embedding spaces: fitting, choosing, measuring and storing them."""
