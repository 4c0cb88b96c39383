"""Ask mongoquery and a real mongod the same about one document."""

import pymongo
from mongoquery import Query

from mongod import mongod


def ask_both(document, queries):
    """Print for each query whether the document matches it, by each of the two."""
    with mongod() as port:
        stored = pymongo.MongoClient("127.0.0.1", port).test.packages
        stored.insert_one(dict(document))
        for query in queries:
            print(query, "mongod", stored.count_documents(query) == 1, "mongoquery", Query(query).match(document))
