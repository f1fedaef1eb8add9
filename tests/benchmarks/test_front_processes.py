"""What is measured for front processes is a node's own work on real requests."""

from benchmarks.front_processes import accepted, answer_body, answered, receiver, requests
from keys.signer import SeedSigner
from protocol.query_message import Query


def test_the_requests_are_plain_and_accepted_and_answers_are_whole() -> None:
    context, body = receiver(), answer_body()
    for wire in requests(2):
        request = accepted(wire, context)
        assert Query.parse(request.body).k == 10
        written = answered(request.binding, body, SeedSigner.generate())
        assert written.startswith(b"HTTP/1.1 200 OK\r\n")
        assert written.endswith(body)
