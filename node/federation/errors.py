"""What can be wrong with a partner or a question to partners.

FederationError
  +- PeerUnknown       no such partner here
  +- PeerExists        the partner was added before
  +- PeerNotActive     the partner is pending, paused or revoked, so it is not asked
  |    +- LogNotApproved it has opened a successor log that no person has approved here
  +- PeerDamaged       a partner's file cannot be read
  +- InvitationsDamaged the file of invitations cannot be read
  +- InvitationUsed    an invitation that was used is not withdrawn any more
  +- WordsDiffer       the words are not those of the pairing
  +- OwnInvitation     a node was given an invitation, or a request, of its own
  +- TooManyPairings   more invitations or pending partners than a node keeps
  +- PairingFailed     the inviter's node gave no answer that means anything
  +- CardUnavailable   no valid card of the partner is held and none could be fetched
  +- BeyondCard        the question is larger than the partner's card says that it takes
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


class PeerDamaged(FederationError):
    """A partner's file was changed or cut off."""

    code = "peer-damaged"
    fix = "Restore it from a backup, or delete it and pair with the partner anew."


class InvitationsDamaged(FederationError):
    """The file of invitations was changed or cut off."""

    code = "invitations-damaged"
    fix = "Restore it from a backup, or delete it: open invitations are then no longer good."


class InvitationUsed(FederationError):
    """The invitation has led to something already, which its withdrawal would not undo."""

    failure = "conflict"
    code = "invitation-used"


class WordsDiffer(FederationError):
    """The words belong to another pairing, or somebody stands between the two sides."""

    failure = "not-verified"
    code = "words-differ"
    fix = (
        "Let the partner's admin read out the words that `interlingua peer list` shows there. If "
        "they differ from yours, somebody stands between you: remove the partner and invite anew."
    )


class OwnInvitation(FederationError):
    """No node pairs with itself."""

    failure = "invalid-request"
    code = "own-invitation"
    fix = "Use the file or line that the partner's admin gave you."


class TooManyPairings(FederationError):
    """What waits for people has an upper bound."""

    failure = "conflict"
    code = "too-many-pairings"
    fix = (
        "Withdraw what is not needed: interlingua peer invitations; interlingua peer uninvite ID; "
        "interlingua peer list; interlingua peer remove ORGANISATION"
    )


class PairingFailed(FederationError):
    """The inviter's node answered neither that it received the request nor why it did not."""

    failure = "unavailable"
    code = "pairing-failed"
    fix = (
        "Try again later. If the invitation is used by then, ask for a new one, or send the "
        "request by mail: interlingua peer request INVITATION --output FILE"
    )


class CardUnavailable(FederationError):
    """Without a valid card nobody knows where and in which space the partner is asked."""

    failure = "unavailable"
    code = "card-unavailable"


class BeyondCard(FederationError):
    """The question is larger than the partner's card says that it takes."""

    code = "beyond-card"
    fix = "Ask fewer vectors at a time, or name the other partners."


class QuestionInvalid(FederationError):
    """The question cannot be asked as it stands."""

    failure = "invalid-request"
    code = "question-invalid"


class NothingToAsk(FederationError):
    """There is nobody to ask."""

    failure = "not-found"
    code = "nothing-to-ask"
