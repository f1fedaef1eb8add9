"""What `interlingua doctor` looks at: one file for each part of a node, one finding for each fault.

A check never changes anything and never raises: what it cannot look at is a finding too.
"""
