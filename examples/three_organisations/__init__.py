"""Three organisations, three models, one question: the demo on real input.

Nothing in here imports the product: it speaks to it through the `interlingua` command and over HTTP
only, as a user would.
"""
