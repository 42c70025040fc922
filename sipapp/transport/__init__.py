"""The only room that sees sockets: datagrams, streams, flows, location of servers, the driver."""
