"""The purposes that this project documents, after the GA4GH Data Use Ontology (DUO).

The rule of this file: a purpose is a name that both sides agree on, and any name is allowed; a node
compares names and nothing else. These are offered so that partners need not invent their own, and
so that a misspelt one is noticed before it opens or closes anything. docs/purposes.md is this list.

Source: https://github.com/EBISPOT/DUO (duo.csv), CC BY 4.0; Lawson et al., Cell Genomics 1 (2021).
The meanings here are short statements of what a question may be asked for, in our words.
"""

from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Purpose:
    """A documented purpose; `duo` is the DUO term that it follows, None for one of our own."""

    name: str
    duo: str | None
    meaning: str


PURPOSES: tuple[Purpose, ...] = (
    Purpose("research", "DUO:0000042", "research of any kind (general research use)"),
    Purpose("health-research", "DUO:0000006", "research on health, medicine or biology"),
    Purpose("disease-research", "DUO:0000007", "research on the disease that the agreement names"),
    Purpose("ancestry-research", "DUO:0000011", "the study of population origins or ancestry"),
    Purpose("genetic-studies", "DUO:0000016", "studies that include genotypes"),
    Purpose("non-commercial-research", "DUO:0000046", "research that is not for profit"),
    Purpose("clinical-care", "DUO:0000043", "the care of a patient"),
    Purpose("any-use", "DUO:0000004", "any use at all (no restriction)"),
    Purpose("clinical-research", None, "research with patients or their records"),
    Purpose("methods-development", None, "work on software, models or algorithms"),
    Purpose("quality-assurance", None, "checking the quality of data or of care"),
    Purpose("public-health", None, "surveillance and protection of public health"),
    Purpose("education", None, "teaching and training"),
    Purpose("audit", None, "examination by an auditor or a regulator"),
)

KNOWN = {purpose.name: purpose for purpose in PURPOSES}


def nearest(name: str) -> str | None:
    """Return the documented purpose that is spelt most like an unknown name, None if none is."""
    return next(iter(get_close_matches(name, KNOWN, n=1, cutoff=0.6)), None)
