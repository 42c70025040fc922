"""The zope Interfaces that a plugin author meets, each with what it promises.

A *resource* does something with the requests that reach an endpoint. A resource is made, in every
worker process that serves the endpoint, by a plugin that provides L{IResourceMaker}. Three things
are given to it: a L{IWorker} to ask about its surroundings, a L{ISender} to send SIP messages
with, and stores such as L{ILocationStore}.

The messages themselves are plain classes: C{sipapp.sip.Request} and C{sipapp.sip.Response}; a
request that waits for its answer is a C{sipapp.transaction.ServerTransaction}.

This is one module however long it gets: the one that a plugin author has to read, and nothing in it
does anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zope.interface import Attribute, Interface

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from twisted.cred.checkers import ICredentialsChecker
    from twisted.internet.defer import Deferred

    from sipapp.location import Binding
    from sipapp.resources.calls import CallRecord
    from sipapp.rpc import Caller, MethodDescription
    from sipapp.rpc.methods import Methods
    from sipapp.sip import SIPURI, Hop, Request, Response
    from sipapp.sip.digest import Credentials
    from sipapp.storage import Account
    from sipapp.storage.document import DocumentChange, DocumentEntry, StoredDocument
    from sipapp.transaction import ServerTransaction
    from sipapp.xcap.document import Document
    from sipapp.xcap.errors import XCAPError
    from sipapp.xcap.names import DocumentName
    from sipapp.xcap.root import XCAPRoot


class IResourceMaker(Interface):
    """Makes a resource from its settings. A Twisted plugin: see C{docs/writing-a-resource.md}."""

    name = Attribute(
        "str: what a listen block's C{resources} calls it, and the NAME of its settings table"
        " C{[resource.NAME]}."
    )
    kind = Attribute(
        "str: C{'sip'} if it makes an L{ISIPResource}, C{'web'} if it makes an L{IWebResource},"
        " C{'calls'} if it makes an L{ICallRecords}."
    )
    settings = Attribute(
        "type: a C{msgspec.Struct} class, frozen and forbidding unknown fields, that the settings"
        " table is converted to. Every field has a default or the table becomes mandatory."
    )

    def make(settings: Any, worker: IWorker) -> Any:
        """Make the resource. Called once for each SIP endpoint in every worker process that
        speaks SIP, since any of them may hold a connection of the endpoint's; for each HTTP
        endpoint in its own workers; and once in every worker that speaks SIP for what keeps call
        records.

        @param settings: an instance of L{settings}.
        @param worker: the L{IWorker} that it will live in.
        @return: a provider of L{ISIPResource}, L{IWebResource} or L{ICallRecords}, according to
            L{kind}.
        @raise Exception: anything raised here stops the pool from starting, with the reason.
        """


class IResource(Interface):
    """The life cycle that resources of every kind share."""

    def start() -> Any:
        """Get ready: called before the worker says Ready.

        @return: C{None}, a Deferred or a coroutine; the worker waits for it. A failure is a boot
            failure of the worker.
        """

    def stop() -> Any:
        """Let go: called once when the worker has drained.

        @return: C{None}, a Deferred or a coroutine; the worker waits for it.
        """


class ISIPResource(IResource):
    """Does something with SIP requests."""

    methods = Attribute(
        "frozenset of str: the methods that it answers by itself as a user agent server. Together"
        " with those of its neighbours they are the Allow of a 405 (RFC 3261 §8.2.1)."
    )

    stateless = Attribute(
        "container of str: the methods that L{answer} is asked about. Usually none, and then a"
        " resource may do without it and L{answer}."
    )

    refusesAlike = Attribute(
        "bool: whether an INVITE that it gives a refusal for in L{offer} may be offered again when"
        " it comes again, to be refused as before with the same To tag. Then over UDP the refusal"
        " is sent once for each time that the INVITE comes, and not until there is an ACK, which"
        " somebody whose address was forged would never send. A resource may do without it."
    )

    tallies = Attribute(
        "mapping of int by str: how often has happened what the resource counts, as its metrics"
        " show it (sipapp_resource_events_total). Looked at when somebody asks: a property over"
        " plain numbers will do. A resource may do without it, also one for HTTP."
    )

    def answer(request: Request) -> Response | None:
        """Answer a request without a transaction, as a stateless user agent server does (RFC 3261
        §8.2.7): for what costs nothing to say again and is the same each time. Only the first
        resource of an endpoint is asked, since those before another may have something against it.

        @return: C{None} for a request that shall be offered like any other. So is one that makes
            this raise an exception.
        """

    def offer(transaction: ServerTransaction) -> Any:
        """Take a request or leave it to the next resource of the endpoint.

        A CANCEL is offered only if its INVITE is unknown here (§16.10): otherwise whoever took
        the INVITE learns of it through the transaction's C{cancelled} callback (§9.2).

        @param transaction: C{sipapp.transaction.ServerTransaction}; its C{request} has passed
            the checks of RFC 3261 §8.2 and §16.3 that do not depend on what the resource does.
        @return: C{None} to leave the request; a C{sipapp.sip.Response} to answer with;
            C{sipapp.resources.sip.TAKEN} if the resource answers later by itself through
            C{transaction.respond()}; or a Deferred or coroutine that gives one of those.
            An exception, raised or given, is answered with 500 and logged with its Call-ID.
        """

    def ack(request: Request) -> bool:
        """See an ACK that belongs to no transaction here: the ACK to a 2xx (RFC 3261 §13.2.2.4).

        @return: true if the resource has taken it; otherwise the next one is asked, and an ACK
            that nobody takes is dropped.
        """

    def strayResponse(response: Response) -> bool:
        """See a response that belongs to no transaction here: the worker that sent the request
        has been replaced, or it was sent statelessly (§16.11).

        @return: true if the resource has taken it; otherwise the next one is asked, and a
            response that nobody takes is dropped (RFC 6026 §7.3).
        """


class IWebResource(IResource):
    """Serves a part of an HTTP endpoint's URL space."""

    path = Attribute(
        "str: the first path segment that it serves, such as C{'xcap-root'}; empty for all that no"
        " other resource of the endpoint serves."
    )

    def webResource() -> Any:
        """
        @return: the C{twisted.web.resource.IResource} that serves everything below L{path}.
        """


class ICallRecords(IResource):
    """Keeps what is known of calls, for whoever wants to look at it later."""

    def write(records: Sequence[CallRecord]) -> None:
        """Keep parts of records. This is called in a thread, where it may take its time: never
        twice at once in a worker, but at the same time in other workers.

        What fails is tried again a second later, with what has become known meanwhile; so either
        all of it is to be kept or nothing, or nothing is to go wrong if some of it comes again.

        @param records: some C{sipapp.resources.calls.CallRecord}: those of one C{callID} and
            C{tags} are parts of one record.
        @raise Exception: if they cannot be kept now.
        """


class IWorker(Interface):
    """The surroundings of a resource: the worker process that it lives in."""

    name = Attribute("str: pool and slot, such as C{'udp-0/2'}; survives a restart of the slot.")
    domains = Attribute("frozenset of str: the lower-case domains this server is responsible for.")
    domain = Attribute(
        "str: the first of L{domains} as they are configured, that of users who are called by"
        " their name alone; C{None} if there is none."
    )
    server = Attribute(
        "str, or None for silence: what this server calls itself in the Server header field of"
        " responses (RFC 3261 §20.35). It is added to those that a resource gives to C{offer};"
        " one that answers later adds it itself."
    )
    reactor = Attribute("the reactor; use it for timers rather than importing the global one.")
    identifiers = Attribute("C{sipapp.transaction.Identifiers}: mints branches, tags and tokens.")
    sender = Attribute("L{ISender}")
    location = Attribute("L{ILocationStore}: where the registrar keeps its bindings.")
    accounts = Attribute("L{IAccounts}: tells who somebody is.")
    documents = Attribute("L{IDocumentStore}: what users keep here by XCAP.")
    bans = Attribute("L{IBans}: who is not listened to any more.")
    nonceCounts = Attribute("L{INonceCounts}: which uses of a nonce have been.")
    timers = Attribute("C{sipapp.transaction.TimerSettings}: T1, T2, T4 and Timer C, in seconds.")
    stateDirectory = Attribute("str: the directory of what survives a restart of the server.")
    callRecords = Attribute(
        "C{sipapp.resources.calls.CallRecords}, whose C{note} takes what is known of a call;"
        " C{None} if nobody keeps that."
    )
    administration = Attribute("L{IAdministration}: the methods that operators call.")

    def listener(name: str) -> int | None:
        """Find a listener of the server.

        @param name: transport, address and port as C{--check} shows them:
            C{'udp:192.0.2.1:5060'}.
        @return: its index, which is C{flow.listener} of what it receives; C{None} if there is
            none of that name.
        """

    def isLocal(uri: SIPURI) -> bool:
        """Tell whether a SIP URI's host and port name this server: one of its L{domains} or one
        of its listen or advertised addresses (RFC 3261 §16.4, §16.5).

        @param uri: C{sipapp.sip.SIPURI}
        """

    def isTrusted(flow: Any) -> bool:
        """Tell whether the peer at the other end of a flow is one that the operator trusts,
        C{[trusted]}: by its address, or by a domain that it has proven to be (RFC 5922). Nothing
        that it writes into a message makes it one.

        @param flow: C{request.flow}.
        """

    def endOfTurn(call: Callable[[], object]) -> None:
        """Have something called once, when all that has come to the sockets of this worker by now
        has been dealt with: the place to do once for many messages what costs the same for each,
        such as a commit, and then to answer them.

        A turn is one reading of a socket, a connection or the bus, with up to fifty messages, or
        the firing of timers. Calls are made in the order in which they were registered, those
        registered by one of them in the same turn; an exception is logged and stops none of the
        others. Outside of a turn, such as when a Deferred of a thread or of the DNS fires, the
        call is made at the next reactor iteration; when the transport has stopped, at once.

        @param call: takes nothing; what it returns is ignored.
        """


class IAdministration(Interface):
    """The methods that a server is operated with. They run in the process that has started the
    workers; whoever calls one for somebody has made sure who that is."""

    def call(
        name: str, parameters: Sequence[Any] | Mapping[str, Any], caller: Caller
    ) -> Deferred[Any]:
        """Call a method.

        @param name: namespace and method: C{pool.resize}.
        @param parameters: in their order, or by their names.
        @param caller: C{sipapp.rpc.Caller}: who calls, and what they may do.
        @return: fires with the result, made of what JSON has; fails with a C{sipapp.rpc.Fault}.
        """

    def descriptions() -> Deferred[tuple[MethodDescription, ...]]:
        """
        @return: fires with what there is to call: C{sipapp.rpc.MethodDescription}s.
        """

    def offer(methods: Methods) -> None:
        """Let the doors of that process call methods that run in this worker. Those that were
        offered before are not called any more.

        @param methods: C{sipapp.rpc.methods.Methods}.
        """

    def audit(
        caller: Caller,
        method: str,
        parameters: Mapping[str, Any],
        outcome: Any,
        seconds: float,
    ) -> None:
        """Have a call written to the audit log that has changed something and was not made by
        L{call}.

        @param caller: C{sipapp.rpc.Caller}.
        @param parameters: without what is secret.
        @param outcome: the result, made of what JSON has, or the C{sipapp.rpc.Fault}.
        @param seconds: that it took.
        """


class IXMLRPCMethods(Interface):
    """Methods of a plugin, to be called by XML-RPC and JSON-RPC like those of the server. A Twisted
    plugin: see C{docs/writing-xmlrpc-methods.md}. They run in the workers of the endpoints that
    have the resource C{xmlrpc}."""

    namespace = Attribute(
        "str: what their names begin with: with C{'presence'} there may be C{presence.list}. One"
        " that neither the server nor another plugin has."
    )

    def make(worker: IWorker) -> object:
        """
        @param worker: the L{IWorker} that they will run in.
        @return: an object whose functions that bear C{sipapp.rpc.method} are the methods.
        @raise Exception: anything raised here stops the pool from starting, with the reason.
        """


class ISender(Interface):
    """Sends SIP messages. Where they go and over which transport is decided here (RFC 3263)."""

    def request(request: Request, hop: Hop, user: IClientUser, branch: str | None = None) -> Any:
        """Send a request statefully (RFC 3261 §17.1).

        The sender finds the addresses to try (the hop's flow first, then RFC 3263 on its URI),
        adds the Via (§18.1.1), switches an over-long request from UDP to TCP, and goes to the
        next address when one fails (RFC 3263 §4.3): a failure to send, Timer B or F, or a 503.

        @param request: C{sipapp.sip.Request}, complete but for its Via. The sender owns it now.
        @param hop: L{sipapp.sip.Hop}: next-hop URI and, optionally, a flow token to prefer.
        @param user: provider of L{IClientUser}.
        @param branch: the Via branch, when it has to be a function of something (§16.11);
            otherwise one is minted.
        @return: an object with C{cancel(reasons=())} (§9.1): gives up, now or as soon as a
            provisional response allows a CANCEL to be sent, with these values of Reason (RFC
            3326). The user still gets the final response.
        """

    def forward(request: Request, hop: Hop, branch: str, user: IClientUser | None = None) -> None:
        """Send a request statelessly (RFC 3261 §16.11), as needed for an ACK to a 2xx.

        @param user: if given, its C{flowSelected} is called as in L{request}.
        """

    def respond(response: Response) -> None:
        """Send a response statelessly to where its topmost Via says (RFC 3261 §18.2.2)."""


class IClientUser(Interface):
    """What the user of L{ISender.request} must provide. Every call comes from the reactor."""

    def flowSelected(request: Request, flow: Any) -> None:
        """The request is about to leave over C{flow}: the last chance to edit it, for instance
        to add the Record-Route that fits the flow (RFC 5658). Called for every address tried."""

    def responseReceived(response: Response) -> None:
        """A response has come, its topmost Via (ours) still in place. Provisional ones other
        than 100 and retransmitted 2xx to INVITE are passed on as well."""

    def failed(status: int, detail: str) -> None:
        """No address gave a final response.

        @param status: 408 after a timeout, 503 after transport failures (§8.1.3.1, §16.9),
            430 when the hop had nothing but a flow and that flow is gone (RFC 5626).
        @param detail: str for the log.
        """


class ILocationStore(Interface):
    """Keeps the bindings of addresses-of-record (RFC 3261 §10): the location service.

    Times are seconds since the epoch as floats. A binding whose C{expires} has passed does not
    exist: no method returns it.
    """

    def lookup(aor: str) -> Deferred[tuple[Binding, ...]]:
        """
        @param aor: str, canonical: C{sipapp.sip.SIPURI.aor()}.
        @return: Deferred of a tuple of C{sipapp.location.Binding}, highest q first.
        """

    def lookupNow(aor: str) -> tuple[Binding, ...] | None:
        """The same without the Deferred, for the straight path of a request.

        A provider that cannot answer at once returns C{None}; then L{lookup} must be used.
        """

    def update(
        aor: str, change: Callable[[tuple[Binding, ...]], tuple[Binding, ...]]
    ) -> Deferred[tuple[Binding, ...]]:
        """Change the bindings of one address-of-record, atomically over all workers.

        @param change: callable that takes the tuple of present bindings and returns the new one.
            It may be called again if the first attempt has to be repeated, and it must not
            block. What it raises leaves the store as it was and fails the Deferred.
        @return: Deferred of the new tuple, fired when it is committed.
        """

    def alter(
        aor: str,
        change: Callable[[tuple[Binding, ...]], tuple[Binding, ...]],
        committed: Callable[[tuple[Binding, ...] | Exception], object],
    ) -> None:
        """The same without the Deferred, for the straight path of a request.

        @param committed: called once, now or later, with the new tuple when it is committed, or
            with the exception with which the change has failed.
        """

    def count() -> Deferred[int]:
        """
        @return: Deferred of the number of addresses-of-record with bindings (an upper bound: it
            may count some that have just expired).
        """

    def purge(limit: int) -> Deferred[int]:
        """Drop at most C{limit} expired bindings, oldest first, without a scan of the others.

        @return: Deferred of the number dropped.
        """

    def close() -> Deferred[None]:
        """Commit what is outstanding and let go.

        @return: Deferred of C{None}.
        """


class IAccounts(Interface):
    """Tells who somebody is, whoever keeps the passwords: an L{IAccountStore}, or a checker of
    C{twisted.cred} that the configuration names."""

    algorithms = Attribute(
        "frozenset of str: the algorithms that answers can be checked by: some of those in"
        " C{sipapp.sip.digest.HASHES}, with or without C{-sess}."
    )

    def check(
        credentials: Credentials,
        method: str,
        body: bytes,
        decided: Callable[[Account | Exception | None], object],
    ) -> None:
        """Check the answer to a challenge: whether somebody knows the password of a user. Whether
        it was our challenge, and answered for the first time, is the caller's to know.

        @param credentials: C{sipapp.sip.digest.Credentials}
        @param method: of the request that they came with.
        @param body: of that request, for C{qop=auth-int}.
        @param decided: called once, now or later, with the C{sipapp.storage.Account}, whose
            C{ha1(credentials.algorithm)} is there, for an C{rspauth}; with C{None} if the user
            is unknown or the answer wrong; or with an exception if nobody can tell now.
        """

    def checker(realm: str) -> ICredentialsChecker:
        """The same for C{twisted.cred.portal.Portal}: for HTTP and whatever else.

        @param realm: that of credentials that name none, such as those of Basic.
        @return: an C{ICredentialsChecker} that takes C{IUsernamePassword}, unless the checker of
            the configuration does not, and C{sipapp.storage.DigestAnswer}.
        """

    def account(avatarID: Any, realm: str) -> Account | None:
        """Look up whom a L{checker} has let in, for a realm of C{twisted.cred}.

        @param avatarID: what the checker has given.
        @param realm: the one it was made for.
        @return: the C{sipapp.storage.Account}; without digests and role if nobody here knows them,
            C{None} if there is no such user (any more).
        @raise Exception: if nobody can tell now.
        """

    def knows(username: str, realm: str) -> bool:
        """Tell whether there is a user, whoever asks.

        @return: C{False} also if that can be told of nobody who does not log in.
        @raise Exception: if nobody can tell now.
        """


class IAccountStore(Interface):
    """Keeps the accounts of users. Names and realms are compared character by character."""

    def find(username: str, realm: str) -> Account | None:
        """Look an account up, at once.

        @return: C{sipapp.storage.Account}, as it is now, whichever process has changed it.
        @raise Exception: if the store cannot be read.
        """

    def findHashed(userhash: str, realm: str) -> Account | None:
        """The same for one who hides the name (RFC 7616 §3.4.4).

        @param userhash: a hash of C{username:realm}, by any of the account's algorithms.
        """

    def add(*accounts: Account) -> Deferred[None]:
        """Add accounts: all of them or, if one cannot be, none.

        @return: Deferred of C{None}; fails as C{sipapp.storage.AccountExists}.
        """

    def replace(account: Account) -> Deferred[None]:
        """Put an account in the place of the one with its name and realm.

        @return: Deferred of C{None}; fails as C{sipapp.storage.NoSuchAccount}.
        """

    def remove(username: str, realm: str) -> Deferred[None]:
        """
        @return: Deferred of C{None}; fails as C{sipapp.storage.NoSuchAccount}.
        """

    def accounts(realm: str | None = None) -> Deferred[tuple[Account, ...]]:
        """
        @param realm: C{None} for those of all realms.
        @return: Deferred of a tuple, sorted by realm and name.
        """

    def close() -> None:
        """Let go."""


class IDocumentStore(Interface):
    """Keeps the documents of XCAP (RFC 4825), for all processes of a machine.

    It knows nothing of what is in them. A change is made by compare-and-set: whoever has read a
    document, thought about it and replaces it is told if somebody was faster, in whichever
    process.
    """

    def get(name: DocumentName) -> Deferred[StoredDocument | None]:
        """
        @param name: C{sipapp.xcap.names.DocumentName}.
        @return: Deferred of the C{sipapp.storage.StoredDocument}, C{None} if there is none.
        """

    def replace(
        name: DocumentName,
        expected: str | None,
        body: bytes | None,
        patch: str | None = None,
        claims: Collection[str] = (),
        limit: int | None = None,
    ) -> Deferred[StoredDocument | None]:
        """Put a document in the place of the one that is there, or remove that one. To put what is
        there already is no change.

        @param expected: the C{etag} of the one that is to be there; C{None} for none.
        @param body: C{None} removes it.
        @param patch: for L{subscribe}: what the change is, C{sipapp.storage.DocumentChange.patch}.
            A store need not keep one that is longer than 16 KiB.
        @param claims: what no other document of this usage may have for its own, such as the URIs
            of its services (RFC 4826 §4.4.5); all of them, also those that it had before.
        @param limit: how many documents its user may have, of all usages together, if this is a
            new one. The documents of the global trees count as those of one user.
        @return: Deferred of what is there now, fired when it is on the disk. Fails, and leaves
            everything as it was, as C{sipapp.storage.DocumentChanged} if what is there is not what
            was expected, as C{ClaimTaken} or C{TooManyDocuments}; as C{DocumentsUnavailable} if it
            cannot be done now, as any other Deferred of a store may.
        """

    def holder(auid: str, claim: str) -> Deferred[DocumentName | None]:
        """
        @return: Deferred of the name of the document of this usage that has something for its own,
            C{None} if none has.
        """

    def entries(
        auid: str | None = None, xui: str | None = None
    ) -> Deferred[tuple[DocumentEntry, ...]]:
        """
        @param auid: of one usage only. @param xui: of one user only, C{''} for the global trees.
        @return: Deferred of a tuple of C{sipapp.storage.DocumentEntry}, sorted by name.
        """

    def subscribe(
        listener: Callable[[DocumentChange | None], object], auid: str | None = None
    ) -> ISubscription:
        """Be told what changes from now on, by this process or another one: within milliseconds,
        in order, each change once.

        @param listener: called with each C{sipapp.storage.DocumentChange}; with C{None} if this
            process has slept for so long that the store has forgotten some: then whoever has
            copies looks at all of them again.
        @param auid: about documents of one usage only.
        """

    def close() -> Deferred[None]:
        """Let go: nobody is told of any further change.

        @return: Deferred of C{None}, fired when all that was begun is on the disk.
        """


class ISubscription(Interface):
    """Somebody is told of something, until it is cancelled."""

    def cancel() -> None:
        """Be told no more. Once is enough, more often does no harm."""


class INonceCounts(Interface):
    """Sees to it that a proof of a password counts once, on whichever worker it arrives: it keeps
    which counts of a nonce (C{nc}, RFC 7616 §3.4) have been used.

    Counts may arrive in another order than they were written in, so those a little below the
    highest are taken as long as they are new. Nonces that have ended are forgotten, and with them
    what the store takes up: nothing that is not a good proof ever gets in.
    """

    salt = Attribute(
        "bytes: random, as old as what is remembered here. The key that nonces are signed with is"
        " made from it, so that no nonce outlives the memory of its counts."
    )

    def use(nonce: str, count: int, expiry: float, decided: Callable[[bool], object]) -> None:
        """Take note that a nonce is used.

        @param nonce: one that this server has signed, with a good answer to it.
        @param count: the C{nc}; 0 for a client that does not count, which then can use each nonce
            once.
        @param expiry: when the nonce ends, in seconds since the epoch.
        @param decided: called once, at the end of the turn, with whether this use is the first.
            False also if nobody can tell: better ask twice than let somebody in.
        """

    def close() -> None:
        """Let go, what was not decided yet with it."""


class IBans(Interface):
    """Keeps who is not listened to any more, by address, for all workers of a machine.

    A ban is the end of a score: each offence adds to that of its address, time takes half of it
    away again and again, and who has too many points is banned for a while, longer each time. IPv6
    addresses count by their /64, which is what one customer has.

    Anybody can send a datagram in somebody else's name. So it matters whether an address is
    *proven* to be that of the peer: by a connection, which needs an answer to it, or by something
    in the message that only this address has been told. What is not proven bans an address from
    sending datagrams only, and does not count at all against an address that has been L{vouch}ed
    for: nobody can have a phone that is registered here banned by writing its address onto
    datagrams.
    """

    generation = Attribute("int: another one whenever L{isBanned} may give other answers.")

    def offence(address: str, kind: str, proven: bool) -> None:
        """A peer has done what attackers do often and others seldom. It costs next to nothing:
        what follows from it is written down at the end of the turn.

        @param address: numeric, C{flow.remote[0]}.
        @param kind: what it was: C{'authentication'} is wrong credentials, C{'scanner'} the mark
            of a program that looks for servers to abuse. Their points are in C{[bans]}.
        @param proven: whether the address is that of the peer for certain: C{flow.reliable}, or
            credentials with a nonce that was given to this very address.
        """

    def vouch(address: str) -> None:
        """A peer at this address, proven, has shown that it has an account here. Called for each
        success; it is written down at most once in some minutes."""

    def isBanned(address: str, datagram: bool) -> bool:
        """
        @param address: numeric. @param datagram: whether it is about what comes in datagrams.
        @return: whether this worker has stopped to listen to an address. Who is banned by another
            one, or by C{sipappctl ban}, is known here a second later.
        """


class IApplicationUsage(Interface):
    """What XCAP documents of one kind are and who may do what with them: an application usage (RFC
    4825 §5). A Twisted plugin: see C{docs/writing-an-application-usage.md}. It is the same for
    all requests and keeps nothing of them. C{sipapp.xcap.usage.ApplicationUsage} has the
    defaults.

    A user is a canonical XUI, C{sipapp.xcap.names.canonicalXUI}. Requests of those who may do
    everything are not asked about.
    """

    auid = Attribute("str: its name (RFC 4825 §5.1), the first segment of its documents' paths.")
    mimeType = Attribute("str: of its documents, in lower case and without parameters.")
    namespace = Attribute("str: of element names without prefix in a node selector (§5.2).")
    namespaces = Attribute(
        "tuple of str: the namespaces that documents may use, for C{xcap-caps} (§12.1)."
    )
    extensions = Attribute("tuple of str: the XCAP extensions that it brings, for C{xcap-caps}.")

    def accepts(name: DocumentName) -> bool:
        """Tell whether there can be a document of this name, by the naming conventions (RFC 4825
        §5.5) and the trees that the usage has. If not, it is not found, and cannot be put.

        @param name: C{sipapp.xcap.names.DocumentName}, its C{auid} the one of this usage.
        """

    def isReadOnly(name: DocumentName) -> bool:
        """Tell whether the server makes this document itself, with L{generated}: then nobody may
        change it, and PUT and DELETE are no methods of it."""

    def mayRead(user: str | None, name: DocumentName) -> bool:
        """
        @param user: who has proven to be that; C{None} for somebody who has not been asked.
        @return: whether this user may read a document, and all in it (RFC 4825 §5.7).
        """

    def mayWrite(user: str | None, name: DocumentName) -> bool:
        """
        @return: whether this user may make, change and delete a document, whether or not there is
            one (RFC 4825 §5.7).
        """

    def validate(document: Document, name: DocumentName) -> None:
        """Check what a document would be after a change, by itself: its schema, then what has to be
        unique in it, then the other constraints (RFC 4825 §8.2.5, §5.3). Waits for nothing.

        @param document: C{sipapp.xcap.document.Document}: well-formed, and small enough.
        @raise sipapp.xcap.errors.XCAPError: C{SchemaValidationError}, C{UniquenessFailure} or
            C{ConstraintFailure}.
        """

    def claims(document: Document, name: DocumentName) -> Collection[str]:
        """
        @param document: one that L{validate} has nothing against.
        @return: what no other document of this usage may have for its own: for
            L{IDocumentStore.replace}. The address-of-record of a user is his own already.
        """

    def claimTaken(claim: str, document: Document, name: DocumentName) -> XCAPError:
        """Say that another document, or a user, has what this one L{claims}, and what it could
        have instead (RFC 4825 §11.2).

        @param claim: what is not to be had.
        @return: the C{sipapp.xcap.errors.UniquenessFailure} to answer with.
        """

    def generated(name: DocumentName, root: XCAPRoot) -> Awaitable[bytes | None]:
        """Make a document that L{isReadOnly}, as it is at this moment.

        @param root: C{sipapp.xcap.root.XCAPRoot}: the usages, documents and URI to make it from.
        @return: a coroutine or Deferred of the document; of C{None} if there is none of this
            name.
        """
