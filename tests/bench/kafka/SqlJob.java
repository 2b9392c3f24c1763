import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * SqlJob FILE [NAME=VALUE ...]: Flink in this one process, with these settings, and the statements of the file, each
 * ended by a semicolon at the end of a line. The last one is an INSERT, which runs until the process is killed or the
 * job fails.
 */
public final class SqlJob {
    private SqlJob() {}

    public static void main(String[] arguments) throws Exception {
        Configuration settings = new Configuration();
        for (int i = 1; i < arguments.length; ++i) {
            String[] pair = arguments[i].split("=", 2);
            settings.setString(pair[0], pair[1]);
        }
        StreamTableEnvironment tables =
                StreamTableEnvironment.create(StreamExecutionEnvironment.createLocalEnvironment(settings));
        TableResult last = null;
        for (String statement : Files.readString(Path.of(arguments[0])).split(";\\s*(\\n|$)")) {
            if (!statement.isBlank()) {
                last = tables.executeSql(statement);
            }
        }
        System.out.println("running");
        last.await();
    }
}
