package dev.palimpsest.llm;

import java.util.Map;

/**
 * What a server can do, as found by asking it.
 *
 * @param model as the server calls it
 * @param way how probabilities of labels are had
 * @param findings what came of each way that was tried, by its label
 */
public record Capabilities(String model, LabelWay way, Map<String, String> findings) {}
