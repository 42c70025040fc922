"""Draws the four state machines from their tables: C{python -m sipapp.transaction.diagrams}.

What it prints is the second half of C{docs/transactions.md}; a test compares the two.
"""

from __future__ import annotations

import sys

from sipapp.transaction import inviteclient, inviteserver, noninviteclient, noninviteserver
from sipapp.transaction.machine import START, TERMINATED, Table

MACHINES: tuple[tuple[str, Table], ...] = (
    ("INVITE client transaction", inviteclient.TABLE),
    ("Non-INVITE client transaction", noninviteclient.TABLE),
    ("INVITE server transaction", inviteserver.TABLE),
    ("Non-INVITE server transaction", noninviteserver.TABLE),
)


def diagram(table: Table) -> str:
    """
    @return: the states and the events that lead from one to another or make the machine act, as
        a Mermaid state diagram. Events that change nothing are left to L{listing}.
    """
    lines = ["```mermaid", "stateDiagram-v2"]
    for state, row in table.items():
        arrows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for event, (following, actions) in row.items():
            if following != state or (actions and actions != ("absorb",)):
                arrows.setdefault((following, actions), []).append(event)
        source = "[*]" if state == START else state
        for (following, actions), events in arrows.items():
            lines.append(f"    {source} --> {following}: {_label(events, actions)}")
    lines += [f"    {TERMINATED} --> [*]", "```"]
    return "\n".join(lines)


def _label(events: list[str], actions: tuple[str, ...]) -> str:
    return f"{' or '.join(events)} / {', '.join(actions) or 'nothing'}"


def listing(table: Table) -> str:
    """
    @return: the whole table in Markdown: a line for each state and event that can happen in it.
    """
    lines = ["| state | event | next state | actions |", "| --- | --- | --- | --- |"]
    for state, row in table.items():
        for event, (following, actions) in row.items():
            lines.append(
                f"| {state} | {event} | {following} | {', '.join(actions) or '(ignored)'} |"
            )
    return "\n".join(lines)


def section() -> str:
    """
    @return: the part of the document that the tables decide.
    """
    parts = [f"### {title}\n\n{diagram(table)}\n\n{listing(table)}\n" for title, table in MACHINES]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(section())
