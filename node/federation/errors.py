"""What can be wrong with a partner or a question to partners.

FederationError
  +- PeerUnknown       no such partner here
  +- PeerExists        the partner was added before
  +- PeerNotActive     the partner is pending, paused or revoked, so it is not asked
  |    +- LogNotApproved it has opened a successor log that no person has approved here
  +- BundleInvalid     the file given to `peer add` is not a partner's root document and card
  +- WordsDiffer       the words do not belong to the root key in the bundle
  +- CardUnavailable   no valid card of the partner is held and none could be fetched
  +- QuestionInvalid   the question cannot be asked as it stands
  +- NothingToAsk      nobody could be asked: no partner, no collection
"""

from node.room_error import RoomError


class FederationError(RoomError):
    """The base of every error about partners; `fix` says what to do."""

    code = "federation"
    fix = (
        "`interlingua peer list` shows the partners; `interlingua doctor` looks for what is wrong."
    )


class PeerUnknown(FederationError):
    """No partner of that name was added here."""

    failure = "not-found"
    code = "peer-unknown"


class PeerExists(FederationError):
    """The partner was added before and is not revoked."""

    failure = "conflict"
    code = "peer-exists"


class PeerNotActive(FederationError):
    """The partner is not active, or the change does not lead anywhere from its state."""

    failure = "conflict"
    code = "peer-not-active"


class LogNotApproved(PeerNotActive):
    """The partner's card names another audit log than the one that was approved here."""

    code = "log-not-approved"


class BundleInvalid(FederationError):
    """Not a root document with a card, or one that does not verify."""

    failure = "not-verified"
    code = "bundle-invalid"


class WordsDiffer(FederationError):
    """The fingerprint words belong to another root key."""

    failure = "not-verified"
    code = "words-differ"


class CardUnavailable(FederationError):
    """Without a valid card nobody knows where and in which space the partner is asked."""

    failure = "unavailable"
    code = "card-unavailable"


class QuestionInvalid(FederationError):
    """The question cannot be asked as it stands."""

    failure = "invalid-request"
    code = "question-invalid"


class NothingToAsk(FederationError):
    """There is nobody to ask."""

    failure = "not-found"
    code = "nothing-to-ask"
