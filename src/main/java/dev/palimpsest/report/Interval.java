package dev.palimpsest.report;

/**
 * A two-sided interval, as a rule the 95 % bootstrap interval of the number it stands beside.
 *
 * @param low lower end
 * @param high upper end, at least {@code low}
 */
public record Interval(double low, double high) {}
