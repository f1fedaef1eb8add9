"""How many tokens a text has, on the safe side, where no tokenizer is at hand.

Subword tokenizers never join across white space, and on natural text a token covers three or more
UTF-8 bytes of a word on average; so a word counts one token for each three bytes begun.
"""

import re

_WORD = re.compile(r"\S+")
_BYTES_PER_TOKEN = 3


def estimate_tokens(text: str) -> int:
    """Return the estimate; 0 for blank text."""
    return sum(
        -(-len(word.group().encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)
        for word in _WORD.finditer(text)
    )
