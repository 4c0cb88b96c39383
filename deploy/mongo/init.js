// Makes the replica set and the site's user, for `mongosh --nodb`. It may run any number of times: what is there stays,
// a member that MONGO_MEMBERS names and the set has not is added, and the site's user gets the password that it has now.

const WAIT_MS = 120_000;
const NOT_YET_INITIALIZED = 94;

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is missing`);
  return value;
}

function connect_to(hosts, options) {
  const password = encodeURIComponent(required("MONGO_ROOT_PASSWORD"));
  // An empty database answers inside its own container first, while the image makes root, and only then everybody.
  return patiently(() => new Mongo(`mongodb://root:${password}@${hosts}/admin?${options}&serverSelectionTimeoutMS=${WAIT_MS}`));
}

/** Try until it works, as long as the error is one that passes by itself. */
function patiently(act) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    try {
      // mongosh waits for what it assigns; an error of `return act()` would pass this `catch` by.
      const done = act();
      return done;
    } catch (error) {
      const is_starting = /ECONNREFUSED|EHOSTUNREACH|ECONNRESET/.test(error.message);
      const passes = /NewReplicaSetConfigurationIncompatible|ConfigurationInProgress|CurrentConfigNotCommittedYet|NotPrimary|NotWritablePrimary|PrimarySteppedDown|InterruptedDueToReplStateChange/;
      if (Date.now() > deadline || !(is_starting || passes.test(error.codeName))) throw error;
      sleep(500);
    }
  }
}

function main() {
  const members = required("MONGO_MEMBERS").split(",");
  const password = required("LARDER_DB_PASSWORD");
  if (!/^[A-Za-z0-9._~-]+$/.test(password)) {
    throw new Error("LARDER_DB_PASSWORD stands in an address: it may have letters, digits, and . _ ~ - only");
  }

  const first = connect_to(members[0], "directConnection=true").getDB("admin");
  try {
    first.adminCommand({ replSetGetStatus: 1 });
  } catch (error) {
    if (error.code !== NOT_YET_INITIALIZED) throw error;
    first.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: members[0] }] } });
    print(`The replica set rs0 is there, with ${members[0]}.`);
  }

  // From here on by way of the primary, whichever member that is.
  const connection = connect_to(members.join(","), "replicaSet=rs0");
  const admin = connection.getDB("admin");
  const larder = connection.getDB("larder");
  const rights = {
    pwd: password,
    // dbAdmin is for indexes, validators and the sizes of collections.
    roles: [{ role: "readWrite", db: "larder" }, { role: "dbAdmin", db: "larder" }],
  };
  patiently(() => (larder.getUser("larder") ? larder.updateUser("larder", rights) : larder.createUser({ user: "larder", ...rights })));
  print("The user larder may use the database larder.");

  for (const host of members) {
    patiently(() => {
      const config = admin.adminCommand({ replSetGetConfig: 1 }).config;
      if (config.members.some((member) => member.host === host)) return;
      config.version += 1;
      config.members.push({ _id: Math.max(...config.members.map((member) => member._id)) + 1, host });
      admin.adminCommand({ replSetReconfig: config });
      print(`The replica set rs0 has a new member, ${host}.`);
    });
  }
}

try {
  main();
} catch (error) {
  print(`FAILED: ${error.message}`);
  quit(1);
}
