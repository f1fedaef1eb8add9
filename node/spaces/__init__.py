"""Shared spaces: anchor sets, members' embeddings, the signed manifest, and the routes they give.

    anchor_set, anchor_store   public texts in two views, and where they lie
    embedding_file, embed      an encoder's vectors of them, as a file that travels
    manifest, create           the consensus of several members, signed
    join, measured             the own maps in and out, chosen and measured beside other members'
    spaces                     `Spaces`: what asking, answering and the card need of all that

`Spaces` keeps the promises of `node.federation.routing.Routes`.
"""
