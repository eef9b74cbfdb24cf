package dev.palimpsest.llm;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.tensor.Precision;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A language model that explains, judges or simulates, as an experiment's settings name it: behind
 * a server, or a folder that is run in this process.
 *
 * @param endpoint a server's address; either this or {@code folder}
 * @param folder in Hugging Face's layout
 * @param model as the server calls it; empty: the only one it has
 * @param keyEnv environment variable of the server's key; empty: see {@link Secret}
 * @param concurrency questions that a server has to answer at a time
 * @param requestTimeout seconds that a server may take for an answer
 * @param patience seconds for which a question is asked again after faults that may pass
 * @param labelsBy how a server tells probabilities of labels; empty: the best way there is
 * @param samples answers drawn a question where it tells none
 * @param prices of a million tokens of prompts, and of a million written; empty: nothing
 * @param chat whether prompts are conversations; else their parts are joined to a plain text
 * @param precision of a folder's dense layers
 * @param cacheMemory MiB of keys and values for a folder's model
 */
public record AskedModel(
    Optional<String> endpoint,
    Optional<String> folder,
    Optional<String> model,
    Optional<String> keyEnv,
    int concurrency,
    int requestTimeout,
    int patience,
    Optional<String> labelsBy,
    int samples,
    List<Double> prices,
    boolean chat,
    String precision,
    int cacheMemory) {

  /** Checks the values. */
  public AskedModel {
    prices = List.copyOf(prices);
    if (endpoint.isPresent() == folder.isPresent()) {
      throw new UsageException(
          "a language model has either an endpoint or a folder, found "
              + (endpoint.isPresent() ? "both" : "neither"));
    }
    if (!prices.isEmpty() && (prices.size() != 2 || prices.stream().anyMatch(p -> !(p >= 0)))) {
      throw new UsageException("prices are " + prices + ", expected two numbers, 0 or more");
    }
    atLeastOne("request_timeout", requestTimeout);
    atLeastOne("patience", patience);
    atLeastOne("cache_memory", cacheMemory);
    Precision.labelled(precision);
    endpoint.ifPresent(EndpointSettings::base);
    labelsBy.ifPresent(LabelWay::required);
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new UsageException(name + " is " + value + ", expected 1 or more");
    }
  }

  /** By an address or a folder's path, with the usual settings. */
  public static AskedModel of(String source) {
    boolean server = EndpointSettings.isUrl(source);
    return new AskedModel(
        Optional.of(source).filter(any -> server),
        Optional.of(source).filter(any -> !server),
        Optional.empty(),
        Optional.empty(),
        64,
        120,
        600,
        Optional.empty(),
        8,
        List.of(),
        true,
        Precision.BF16.label(),
        1024);
  }

  /** The same with the folder in another place. */
  public AskedModel withFolder(Optional<String> other) {
    return new AskedModel(
        endpoint,
        other,
        model,
        keyEnv,
        concurrency,
        requestTimeout,
        patience,
        labelsBy,
        samples,
        prices,
        chat,
        precision,
        cacheMemory);
  }

  /** What it is called in results: the model's name as far as the settings tell it. */
  public String name() {
    return model
        .or(() -> folder.map(path -> String.valueOf(Path.of(path).getFileName())))
        .or(() -> endpoint.map(EndpointSettings::base).map(URI::getHost))
        .orElseThrow();
  }

  /** How a server is asked. */
  public EndpointSettings settings() {
    return new EndpointSettings(
        EndpointSettings.base(endpoint.orElseThrow()),
        model,
        keyEnv,
        concurrency,
        Duration.ofSeconds(requestTimeout),
        Duration.ofSeconds(patience),
        labelsBy.map(LabelWay::required),
        samples);
  }

  /** What it costs. */
  public Prices price() {
    return prices.isEmpty() ? Prices.NONE : new Prices(prices.get(0), prices.get(1));
  }

  /**
   * Which server it is, in words that do not depend on its address where it has a name: the same
   * model elsewhere gives the same answers.
   */
  public String served() {
    return String.format(
        Locale.ROOT,
        "%s, labels by %s, samples %d, %s",
        model.orElseGet(() -> String.valueOf(endpoint.map(EndpointSettings::base).orElseThrow())),
        labelsBy.orElse("the best way"),
        samples,
        chat ? "conversations" : "plain texts");
  }
}
