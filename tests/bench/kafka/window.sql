CREATE TABLE payments (
  id STRING, card STRING, amount DOUBLE, `at` BIGINT,
  event_time AS TO_TIMESTAMP_LTZ(`at`, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'SOURCE', 'properties.bootstrap.servers' = 'BROKERS',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'properties.group.id' = 'flink-GROUP'
);
CREATE TABLE results (
  id STRING, card STRING, amount DOUBLE, payments_1h BIGINT, mean_1h DOUBLE
) WITH (
  'connector' = 'kafka', 'topic' = 'SINK', 'properties.bootstrap.servers' = 'BROKERS',
  'key.format' = 'raw', 'key.fields' = 'card', 'value.format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'flink-GROUP',
  'properties.transaction.timeout.ms' = '600000', 'properties.compression.type' = 'lz4',
  'properties.batch.size' = '262144', 'properties.linger.ms' = '50'
);
INSERT INTO results
SELECT id, card, amount, COUNT(*) OVER recent, AVG(amount) OVER recent
FROM payments
WINDOW recent AS (PARTITION BY card ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW);
