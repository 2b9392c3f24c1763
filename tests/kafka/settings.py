"""server.properties of a one-node broker."""

USERS = {"alice": "alice-secret", "bob": "bob-secret"}  # of the SASL listeners, with every mechanism
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
SECURE_LISTENERS = {"SASL": "SASL_PLAINTEXT", "TLS": "SSL", "SASL_TLS": "SASL_SSL"}

# One node is enough for every internal topic, and topics are made on purpose. Everything else is as Kafka has it, also
# what tests like to shorten: transaction.abort.timed.out.transaction.cleanup.interval.ms (10 s) adds to every
# transaction timeout.
ONE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAIN",
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "true",
    "log.retention.ms": "-1",  # rows of tests have times of years ago, and a topic's age is that of its rows
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
}

# A broker that was killed is let in again after two seconds instead of nine. Not for a machine under full load, where
# it might miss its own heartbeats.
QUICK_RETURN = {"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "500"}


def _jaas(mechanism):
    package = "org.apache.kafka.common.security"
    if mechanism == "PLAIN":
        users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
        return f"{package}.plain.PlainLoginModule required {users};"
    if mechanism == "OAUTHBEARER":  # unsigned tokens: librdkafka's enable.sasl.oauthbearer.unsecure.jwt
        return f'{package}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
    return f"{package}.scram.ScramLoginModule required;"


def _secure(certificates):
    settings = {
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "ssl.client.auth": "requested",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": f"{certificates}/broker.keystore",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"{certificates}/ca.pem",
    }
    package = "org.apache.kafka.common.security.oauthbearer.internals.unsecured"
    for listener in ("sasl", "sasl_tls"):
        for mechanism in MECHANISMS:
            settings[f"listener.name.{listener}.{mechanism.lower()}.sasl.jaas.config"] = _jaas(mechanism)
        settings[f"listener.name.{listener}.oauthbearer.sasl.server.callback.handler.class"] = (
            f"{package}.OAuthBearerUnsecuredValidatorCallbackHandler")
    return settings


def properties(folder, host, ports, overrides):
    """ports: {listener: port}, with CONTROLLER, PLAIN and, if wanted, those of SECURE_LISTENERS."""
    secure = [name for name in ports if name in SECURE_LISTENERS]
    protocols = {name: SECURE_LISTENERS.get(name, "PLAINTEXT") for name in ports}
    settings = ONE_NODE | {
        "controller.quorum.voters": f"1@{host}:{ports['CONTROLLER']}",
        "listeners": ",".join(f"{name}://{host}:{port}" for name, port in ports.items()),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "log.dirs": f"{folder}/data",
    }
    if secure:
        settings |= _secure(f"{folder}/certificates")
    settings |= overrides
    return "".join(f"{key}={value}\n" for key, value in sorted(settings.items()))
