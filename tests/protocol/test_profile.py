"""The profile's table, as docs/protocol.md gives it."""

from protocol.profile import (
    ACK,
    BY_TARGET,
    ENDPOINTS,
    HELD,
    OFFERS,
    PARAMETERS,
    QUERY,
    TILE,
    endpoint_at,
    endpoint_of,
)
from protocol.tiles import Tile


def test_endpoints_are_told_apart_by_target_and_by_tag() -> None:
    assert len({endpoint.tag for endpoint in ENDPOINTS}) == len(ENDPOINTS)
    assert {*BY_TARGET.values(), TILE} == set(ENDPOINTS)
    assert all(endpoint_at(e.method, e.path) is e for e in ENDPOINTS if e is not TILE)


def test_each_tile_of_hashes_is_an_endpoint_of_its_own_path() -> None:
    found = endpoint_at("GET", "/federation/v1/log/tile/0/x001/067.p/9")
    assert found == endpoint_of(Tile(0, 1067, 9))
    assert (found.tag, found.covered) == (TILE.tag, HELD.covered)
    for target in (TILE.path, "/federation/v1/log/tile/entries/000", "/tile/0/000"):
        assert endpoint_at("GET", target) is None
    assert endpoint_at("POST", "/federation/v1/log/tile/0/000") is None


def test_a_query_covers_the_designs_components_in_order() -> None:
    assert QUERY.covered == (
        '"@method" "@authority" "@path" "@query" "content-type" "content-digest" '
        '"interlingua-from" "interlingua-to"'
    )
    assert (QUERY.method, QUERY.path) == ("POST", "/federation/v1/query")
    assert (QUERY.tag, QUERY.content_type) == ("interlingua-query-v1", "application/json")


def test_a_request_without_a_body_covers_no_content_type() -> None:
    for endpoint in (OFFERS, HELD):
        assert endpoint.covered == QUERY.covered.replace('"content-type" ', "")
        assert endpoint.content_type is None
    assert (OFFERS.method, OFFERS.path) == ("GET", "/federation/v1/offers")
    assert (HELD.method, HELD.path) == ("GET", "/federation/v1/held")


def test_an_acknowledgement_covers_what_a_query_does() -> None:
    assert (ACK.method, ACK.path, ACK.covered) == ("POST", "/federation/v1/ack", QUERY.covered)
    assert (ACK.tag, ACK.content_type) == ("interlingua-ack-v1", "application/json")


def test_all_parameters_are_named() -> None:
    assert set(PARAMETERS) == {"created", "expires", "nonce", "keyid", "alg", "tag"}
