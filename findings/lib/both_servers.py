"""Ask mongomock and a real mongod the same."""

import mongomock
import pymongo

from mongod import mongod


def ask_both(ask):
    """Print what `ask` returns for an empty collection of each."""
    with mongod() as port:
        print("mongod   ", ask(pymongo.MongoClient("127.0.0.1", port).test.packages))
        print("mongomock", ask(mongomock.MongoClient().test.packages))
