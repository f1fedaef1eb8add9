"""What a node can be asked to do by its own people, independent of how they ask.

An operation is one async function on an open `Node` with a pydantic request and result. The same
function runs inside the command line (node stopped) and behind the admin socket (node running).
"""
