import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

/** What Metabase and Tableau do through clickhouse-jdbc, unmodified: connect, look at metadata, read, page, cancel, fail. */
public class Metadata {
    public static void main(String[] arguments) throws Exception {
        Class.forName("com.clickhouse.jdbc.ClickHouseDriver");
        Properties given = new Properties();
        given.setProperty("user", "bi");
        given.setProperty("password", arguments[1]);
        String url = "jdbc:clickhouse:" + arguments[0] + "/bi";
        for (String compress : List.of("true", "false")) {
            given.setProperty("compress", compress);
            try (Connection connection = DriverManager.getConnection(url, given)) {
                check(connection.isValid(10), "the connection is valid");
                if (compress.equals("true")) metadata(connection.getMetaData());
                read(connection);
                prepared(connection);
                fail(connection);
            }
        }
        cancel(url, given);
        given.setProperty("password", "wrong");
        try (Connection connection = DriverManager.getConnection(url, given); Statement statement = connection.createStatement()) {
            statement.executeQuery("SELECT 1");
            check(false, "a wrong key is refused");
        } catch (SQLException expected) {
            check(text(expected).contains("516") || text(expected).contains("Authentication failed"), "a wrong key is refused: " + text(expected));
        }
        System.out.println("ok");
    }

    static void metadata(DatabaseMetaData about) throws SQLException {
        check(about.getDatabaseProductName().equals("ClickHouse"), "product " + about.getDatabaseProductName());
        about.getDatabaseProductVersion();
        List<String> schemas = new ArrayList<>();
        try (ResultSet rows = about.getSchemas()) {
            while (rows.next()) schemas.add(rows.getString("TABLE_SCHEM"));
        }
        check(schemas.contains("bi") && !schemas.contains("paceline"), "schemas are " + schemas);
        try (ResultSet rows = about.getCatalogs()) { while (rows.next()) rows.getString(1); }
        try (ResultSet rows = about.getTableTypes()) { while (rows.next()) rows.getString(1); }
        try (ResultSet rows = about.getTypeInfo()) { while (rows.next()) rows.getString(1); }
        List<String> tables = new ArrayList<>();
        try (ResultSet rows = about.getTables(null, "bi", "%", new String[] {"TABLE", "VIEW", "FOREIGN TABLE", "REMOTE TABLE", "DICTIONARY", "MATERIALIZED VIEW"})) {
            while (rows.next()) tables.add(rows.getString("TABLE_NAME"));
        }
        check(tables.contains("kpi_trend") && tables.contains("metric_revenue") && !tables.contains("metric_secret_sales"), "tables are " + tables);
        for (String table : tables) {
            Map<String, Integer> types = new LinkedHashMap<>();
            try (ResultSet rows = about.getColumns(null, "bi", table, "%")) {
                while (rows.next()) {
                    types.put(rows.getString("COLUMN_NAME"), rows.getInt("DATA_TYPE"));
                    check(rows.getString("REMARKS") != null, "remarks");
                }
            }
            check(types.size() > 3, table + " has columns " + types);
            try (ResultSet rows = about.getPrimaryKeys(null, "bi", table)) { while (rows.next()) rows.getString(4); }
            try (ResultSet rows = about.getImportedKeys(null, "bi", table)) { while (rows.next()) rows.getString(4); }
            try (ResultSet rows = about.getIndexInfo(null, "bi", table, false, true)) { while (rows.next()) rows.getString(3); }
            if (table.equals("metric_revenue")) {
                check(types.get("value") == Types.DECIMAL, "value is a decimal: " + types.get("value"));
                check(types.get("value_float") == Types.DOUBLE, "value_float is a double");
                check(types.get("bucket_from") == Types.TIMESTAMP || types.get("bucket_from") == Types.TIMESTAMP_WITH_TIMEZONE, "bucket_from is a time");
                check(types.get("region") == Types.VARCHAR, "region is text");
            }
        }
        try (ResultSet rows = about.getFunctions(null, null, "%")) { while (rows.next()) rows.getString(1); }
        try (ResultSet rows = about.getProcedures(null, null, "%")) { while (rows.next()) rows.getString(1); }
    }

    static void read(Connection connection) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery("SELECT name FROM system.tables WHERE database = 'bi' ORDER BY name")) {
            while (rows.next()) tables.add(rows.getString(1));
        }
        check(tables.size() == 10, "tables are " + tables);
        for (String table : tables) {
            try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery("SELECT * FROM `bi`.`" + table + "` LIMIT 2000")) {
                ResultSetMetaData shape = rows.getMetaData();
                int count = 0;
                while (rows.next()) {
                    count++;
                    for (int column = 1; column <= shape.getColumnCount(); column++) {
                        Object value = rows.getObject(column);
                        if (value == null) continue;
                        if (shape.getColumnType(column) == Types.DECIMAL) check(value instanceof BigDecimal, "a decimal is one");
                        if (shape.getColumnType(column) == Types.DOUBLE) check(value instanceof Double, "a double is one");
                        rows.getString(column);
                    }
                }
                check(count > 0, table + " has rows");
            }
        }
        try (Statement statement = connection.createStatement()) {
            statement.setMaxRows(7);
            try (ResultSet rows = statement.executeQuery("SELECT value, bucket_from FROM bi.metric_revenue WHERE bucket = '2026-11-07' AND region = 'emea'")) {
                check(rows.next(), "a row");
                check(rows.getBigDecimal(1).compareTo(new BigDecimal("7.123456789")) == 0, "the decimal is exact: " + rows.getBigDecimal(1));
                check(rows.getTimestamp(2, Calendar.getInstance(TimeZone.getTimeZone("UTC"))).toInstant().toString().equals("2026-11-06T23:00:00Z"), "the time is right: " + rows.getTimestamp(2).toInstant());
            }
        }
    }

    static void prepared(Connection connection) throws SQLException {
        Set<String> seen = new TreeSet<>();
        for (int offset = 0; offset < 20; offset += 8) {
            try (PreparedStatement statement = connection.prepareStatement(
                "SELECT `bi`.`metric_revenue`.`bucket` AS `bucket`, sum(`bi`.`metric_revenue`.`value`) AS `sum` FROM `bi`.`metric_revenue` "
                    + "WHERE `bi`.`metric_revenue`.`region` = ? GROUP BY `bi`.`metric_revenue`.`bucket` ORDER BY `bucket` ASC LIMIT 8 OFFSET " + offset)) {
                statement.setString(1, "us");
                statement.getMetaData();
                try (ResultSet rows = statement.executeQuery()) { while (rows.next()) seen.add(rows.getString(1)); }
            }
        }
        check(seen.size() == 20, "pages hold " + seen.size() + " buckets");
    }

    static void fail(Connection connection) {
        for (String query : List.of("SELECT nothing FROM bi.kpi_trend", "SELECT * FROM bi.nowhere", "DROP TABLE bi.kpi_trend", "SELECT * FROM paceline.judgement")) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(query);
                check(false, query + " fails");
            } catch (SQLException expected) {
                check(text(expected).matches("(?s).*(Code: \\d+|\\([A-Z_]+\\)).*"), query + " fails in ClickHouse's words: " + text(expected));
            }
        }
    }

    static void cancel(String url, Properties given) throws Exception {
        try (Connection connection = DriverManager.getConnection(url, given); Statement statement = connection.createStatement()) {
            Thread canceller = new Thread(() -> {
                try {
                    Thread.sleep(500);
                    statement.cancel();
                } catch (Exception ignored) {
                    System.err.println(ignored);
                }
            });
            canceller.start();
            long started = System.nanoTime();
            try {
                statement.setQueryTimeout(2);
                statement.executeQuery("SELECT sum(cityHash64(number)) FROM numbers(30000000000)");
                check(false, "a cancelled query ends");
            } catch (SQLException expected) {
                check(System.nanoTime() - started < 15_000_000_000L, "a cancelled query ends soon");
            }
            canceller.join();
        }
    }

    static String text(Throwable failure) {
        StringBuilder all = new StringBuilder();
        for (Throwable each = failure; each != null; each = each.getCause()) all.append(each.getMessage()).append('\n');
        return all.toString();
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }
}
