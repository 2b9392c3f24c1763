CREATE TABLE payments (
  id STRING, card STRING, amount DOUBLE, `at` BIGINT,
  event_time AS TO_TIMESTAMP_LTZ(`at`, 3)
) WITH (
  'connector' = 'kafka', 'topic' = 'SOURCE', 'properties.bootstrap.servers' = 'BROKERS',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'properties.group.id' = 'flink-GROUP'
);
CREATE TABLE results (
  id STRING, card STRING, gross DOUBLE, `large` BOOLEAN, `hour` DOUBLE
) WITH (
  'connector' = 'kafka', 'topic' = 'SINK', 'properties.bootstrap.servers' = 'BROKERS',
  'key.format' = 'raw', 'key.fields' = 'card', 'value.format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'flink-GROUP',
  'properties.transaction.timeout.ms' = '600000', 'properties.compression.type' = 'lz4',
  'properties.batch.size' = '262144', 'properties.linger.ms' = '50'
);
INSERT INTO results
SELECT id, card, amount * 1.19E0, amount > 100, CAST(EXTRACT(HOUR FROM event_time) AS DOUBLE)
FROM payments WHERE amount >= 2.5;
