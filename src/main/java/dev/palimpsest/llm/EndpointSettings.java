package dev.palimpsest.llm;

import dev.palimpsest.base.UsageException;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * A server, and how it is asked.
 *
 * @param base where its calls lie: what stands before {@code /chat/completions}
 * @param model as the server calls it; empty: the only one it has
 * @param keyVariable environment variable that holds the key; empty: see {@link Secret}
 * @param concurrency questions under way at a time
 * @param timeout of one request, until its whole answer is there
 * @param patience how long one question is tried again after failures that may pass
 * @param labels how probabilities of labels are to be had; empty: the best way there is
 * @param samples answers drawn for a label question where the server tells no probabilities
 */
public record EndpointSettings(
    URI base,
    Optional<String> model,
    Optional<String> keyVariable,
    int concurrency,
    Duration timeout,
    Duration patience,
    Optional<LabelWay> labels,
    int samples) {
  private static final int MOST = 4096;

  /** Checks the values. */
  public EndpointSettings {
    requireWithin("concurrency", concurrency, MOST);
    requireWithin("samples", samples, MOST);
  }

  private static void requireWithin(String name, int value, int most) {
    if (value < 1 || value > most) {
      throw new UsageException(name + " is " + value + ", expected 1 to " + most);
    }
  }

  /** A server with the usual settings. */
  public static EndpointSettings of(String url) {
    return new EndpointSettings(
        base(url),
        Optional.empty(),
        Optional.empty(),
        64,
        Duration.ofMinutes(2),
        Duration.ofMinutes(10),
        Optional.empty(),
        8);
  }

  /** The same with the key of another variable. */
  public EndpointSettings withKeyVariable(Optional<String> variable) {
    return new EndpointSettings(
        base, model, variable, concurrency, timeout, patience, labels, samples);
  }

  /** The same with other limits. */
  public EndpointSettings withLimits(int questions, Duration request, Duration question) {
    return new EndpointSettings(
        base, model, keyVariable, questions, request, question, labels, samples);
  }

  /** Whether a text names a server rather than a folder. */
  public static boolean isUrl(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    return lower.startsWith("http://") || lower.startsWith("https://");
  }

  /**
   * The base of a server's calls: a bare host gets {@code /v1}, which all servers have, and the
   * name of a call at the end is taken off.
   *
   * @throws UsageException where it is no address, or has a key in it
   */
  public static URI base(String url) {
    URI uri;
    try {
      uri = URI.create(url.strip());
    } catch (IllegalArgumentException wrong) {
      throw new UsageException("'" + url + "' is no address: " + wrong.getMessage());
    }
    if (!isUrl(url.strip()) || uri.getHost() == null) {
      throw new UsageException(
          "the endpoint is '" + url + "', expected an address such as http://localhost:8000/v1");
    }
    if (uri.getUserInfo() != null || uri.getQuery() != null) {
      throw new UsageException(
          "the endpoint's address has a name, a password or a query in it: put the key into the"
              + " environment variable "
              + Secret.VARIABLE);
    }
    String path = uri.getPath() == null ? "" : uri.getPath();
    path = path.replaceAll("/+$", "").replaceAll("/(chat/)?completions$", "");
    return URI.create(
        uri.getScheme().toLowerCase(Locale.ROOT)
            + "://"
            + uri.getRawAuthority()
            + (path.isEmpty() ? "/v1" : path));
  }

  /** The address of a call. */
  URI call(String name) {
    return URI.create(base + "/" + name);
  }

  /** The address of a call that servers have beside, not below, {@code /v1}. */
  URI ownCall(String name) {
    return URI.create(base.toString().replaceAll("/v1$", "") + "/" + name);
  }
}
