"""What the end-to-end tests share: real servers and programs as subprocesses, and a small SIP
client that owes nothing to the code under test."""
