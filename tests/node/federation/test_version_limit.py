"""So many new root documents of a partner an hour."""

from node.federation.version_limit import HOUR_S, VERSIONS_PER_HOUR, VersionLimit


def test_each_partner_has_its_own_count_which_begins_anew_every_hour() -> None:
    now = [10 * HOUR_S]
    limit = VersionLimit(lambda: now[0])
    limit.count("lab.example", VERSIONS_PER_HOUR - 1)
    assert limit.left("lab.example") == 1
    limit.count("lab.example", 5)
    assert limit.left("lab.example") == 0
    assert limit.left("clinic.example") == VERSIONS_PER_HOUR
    now[0] += HOUR_S
    assert limit.left("lab.example") == VERSIONS_PER_HOUR


def test_versions_that_were_fetched_count_as_none() -> None:
    limit = VersionLimit(lambda: 0)
    limit.count("lab.example", 0)
    assert limit.left("lab.example") == VERSIONS_PER_HOUR
