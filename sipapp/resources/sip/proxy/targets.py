"""The target set of a request (RFC 3261 §16.5): made of bindings, or of the contacts of a 3xx.

Pure: bindings in, groups of targets out, those of the first group to be tried first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sipapp.location import Binding
from sipapp.sip import SIPURI, NameAddr, Response, SIPError, parseNameAddr, parseURI

__all__ = ["Groups", "Target", "fromBindings", "fromContacts"]


class Target:
    """One place to forward a request to.

    @ivar text: the Request-URI.
    @ivar uri: the same, typed.
    @ivar key: what tells targets apart, and their branches: the Request-URI, and the way to it
        where several lead to the same one.
    @ivar q: the preference, 0 to 1.
    @ivar path: Route values that lead there, topmost first (RFC 3327 §5.3).
    @ivar flow: the token of the flow to send over first, or C{None}.
    @ivar flowOnly: whether to send over nothing else: the phone keeps its flows alive and expects
        its requests there (RFC 5626 §5.3). What its contact says leads nowhere as a rule.
    @ivar others: what to try, one by one, if the flow turns out to be gone: the other flows of
        the same phone (RFC 5626 §7).
    """

    __slots__ = ("flow", "flowOnly", "key", "others", "path", "q", "text", "uri")

    def __init__(
        self,
        text: str,
        uri: Any,
        q: float = 1.0,
        path: Sequence[NameAddr] = (),
        flow: str | None = None,
        flowOnly: bool = False,
    ) -> None:
        self.text = text
        self.uri = uri
        self.q = q
        self.path = path
        self.flow = flow
        self.flowOnly = flowOnly
        self.key = f"{text} {' '.join(map(str, path))}" if path else text
        self.others: Sequence[Target] = ()


Groups = list[list[Target]]
"""Targets of equal q together, the highest q first: serial over the groups, parallel in each
(§16.6, last paragraph but one)."""


def fromBindings(
    bindings: Sequence[Binding],
    sips: bool = False,
    leadsHere: Callable[[SIPURI], bool] | None = None,
) -> Groups:
    """
    @param bindings: highest q first, and the most recent first among equals.
    @param sips: whether the Request-URI is a sips URI, which only sips contacts may replace
        (RFC 3261 §16.5 and §26.2.2, RFC 5630 §5.3).
    @param leadsHere: tells whether a request to a URI would come back to this server. The registrar
        takes no such contact, unless it has header fields; without those it is no target.
    """
    if len(bindings) == 1:
        only = _target(bindings[0], leadsHere)
        return [] if only is None or (sips and only.uri.scheme != "sips") else [[only]]
    phones: dict[str, Target] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    targets: list[Target] = []
    for binding in bindings:
        key = binding.contact, binding.path
        if key in seen and not binding.regID:
            continue
        seen.add(key)
        target = _target(binding, leadsHere)
        if target is None or (sips and target.uri.scheme != "sips"):
            continue
        if binding.regID and binding.instance:
            first = phones.get(binding.instance)
            if first is not None:
                target.key = f"{target.key} {binding.flow or binding.regID}"
                first.others = (*first.others, target)
                continue
            phones[binding.instance] = target
        targets.append(target)
    return _grouped(targets)


def fromContacts(response: Response, sips: bool = False) -> Groups:
    """The contacts of a 3xx (§16.7 step 4). One that is not a SIP URI, or is less secure than the
    Request-URI was, is left out (§8.1.3.4)."""
    try:
        contacts = response.contacts
        targets = [
            Target(*_requestURI(contact.uri), contact.q)
            for contact in contacts
            if isinstance(contact.uri, SIPURI) and (contact.uri.scheme == "sips" or not sips)
        ]
    except SIPError:
        return []
    targets.sort(key=lambda target: -target.q)
    return _grouped(targets)


def _target(binding: Binding, leadsHere: Callable[[SIPURI], bool] | None) -> Target | None:
    try:
        uri = parseURI(binding.contact)
        path = tuple(parseNameAddr(value) for value in binding.path)
    except SIPError:
        # The registrar takes none of these; a store that another program writes to may have them.
        return None
    if not isinstance(uri, SIPURI):
        return None
    text = binding.contact
    if uri.headers or "method" in uri.params:
        text, uri = _requestURI(uri)
        if leadsHere is not None and leadsHere(uri):
            return None
    flow = binding.flow if binding.viaFlow and binding.flow else None
    isOutbound = flow is not None and binding.regID > 0 and binding.instance != ""
    return Target(text, uri, binding.q, path, flow, isOutbound)


def _requestURI(uri: SIPURI) -> tuple[str, SIPURI]:
    """Without what a Request-URI must not have (§16.6 step 2, §19.1.1 table 1)."""
    if uri.headers or "method" in uri.params:
        uri = uri.withoutParams("method").replace(headers="")
    return str(uri), uri


def _grouped(targets: list[Target]) -> Groups:
    groups: Groups = []
    last: float | None = None
    for target in targets:
        if target.q != last:
            groups.append([])
            last = target.q
        groups[-1].append(target)
    return groups
