"""The user part of our Record-Route values: a proof that they are ours, and a flow.

C{PROOF} or C{PROOF.FLOW}. The proof covers the Call-ID and the flow token, so that the value of
one dialog is worth nothing in another and a flow cannot be moved from one to another.
"""

from __future__ import annotations

from sipapp.transaction import Identifiers

__all__ = ["mint", "read"]


def mint(identifiers: Identifiers, callID: str, flow: str = "") -> str:
    """
    @param flow: the token of the flow that leads to the side that this value is made for, if
        requests in the dialog have to use it (RFC 5626 §5.3); otherwise empty.
    """
    if not flow:
        return identifiers.dialogToken(callID)
    return f"{identifiers.dialogToken(_both(callID, flow))}.{flow}"


def read(identifiers: Identifiers, user: str, callID: str) -> str | None:
    """
    @return: the flow token, empty if there is none; or C{None} if the value is not ours or was
        not made for this Call-ID.
    """
    proof, _, flow = user.partition(".")
    covered = _both(callID, flow) if flow else callID
    return flow if identifiers.verifyDialogToken(proof, covered) else None


def _both(callID: str, flow: str) -> str:
    # No Call-ID and no flow token has a blank in it.
    return f"{callID} {flow}"
