"""The endpoint on one's own functions, in one's own WSGI server: a registry that has its store already.

A message is in the store before the function returns, and only then acknowledged. The log repeats what it got no
answer to: the digest of the content keeps the second copy out.
"""

import sqlite3
from wsgiref.simple_server import make_server
from wsgiref.types import WSGIApplication

from itl.messages import NotificationRequest, ProposalRequest, content_digest, dump
from registry_client.endpoint import Answer, Callbacks, Refused, mounted
from registry_client.settings import Settings


class Inbox:
    """Messages of the log in a table, each content once."""

    def __init__(self, file: str) -> None:
        self.connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.connection.execute("CREATE TABLE IF NOT EXISTS inbox (digest BLOB PRIMARY KEY, kind TEXT, content BLOB)")

    def keep(self, message: ProposalRequest | NotificationRequest) -> Answer:
        kind, content = type(message).__name__, dump(message)
        row = (content_digest(kind, content), kind, content)
        self.connection.execute("INSERT OR IGNORE INTO inbox VALUES (?, ?, ?)", row)
        return None

    def propose(self, message: ProposalRequest) -> Answer:
        if not message.proposed_transaction.proposal_unit_blocks:
            return Refused((4012,))  # result 0: no unit block
        return self.keep(message)


def application(inbox: Inbox) -> WSGIApplication:
    """What Apache, gunicorn or uWSGI serve."""
    callbacks = Callbacks(accept_proposal=inbox.propose, accept_notification=inbox.keep)
    return mounted(callbacks, Settings(code="FR"), user="itl", password="secret")


if __name__ == "__main__":
    make_server("127.0.0.1", 8090, application(Inbox("inbox.db"))).serve_forever()
