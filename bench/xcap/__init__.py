"""What SIP notices of XCAP, and XCAP of itself: C{make bench-xcap}.

C{answers}: how soon SIP is answered, and what that costs, while the one worker of an XCAP pool has
as much to do as it can, beside the same while it has nothing to do. C{updates}: whether clients
that read, change and write back one document at the same time lose anything of each other.
"""
