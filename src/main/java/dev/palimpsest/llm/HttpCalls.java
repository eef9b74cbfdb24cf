package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.failsafe.CircuitBreaker;
import dev.failsafe.CircuitBreakerOpenException;
import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeExecutor;
import dev.failsafe.RetryPolicy;
import dev.failsafe.RetryPolicyBuilder;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Quoted;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * Requests to one server, JSON in and out. What may pass (429, 5xx, connections refused or cut,
 * stalls, answers that are not JSON) is tried again with growing pauses, or after the pause that
 * the server names; where nearly everything fails, nobody asks for a while. The JDK's client ends
 * with its last reference; before Java 21 it cannot be closed.
 */
final class HttpCalls {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final Duration HASTY_PAUSE = Duration.ofSeconds(1);
  private static final double JITTER = 0.25;
  private static final int FAILURES_TO_OPEN = 48;
  private static final int OF_LAST = 64;
  private static final Duration OPEN = Duration.ofSeconds(3);
  private static final Duration CONNECT = Duration.ofSeconds(10);

  private static final ObjectReader JSON =
      Json.MAPPER.readerFor(JsonNode.class).with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Secret key;
  private final Duration timeout;
  private final HttpClient client;
  private final FailsafeExecutor<Object> patient;
  private final FailsafeExecutor<Object> hasty;

  HttpCalls(EndpointSettings settings, Secret key) {
    this.key = key;
    timeout = settings.timeout();
    // Never redirected: the key would go along.
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT)
            .build();
    CircuitBreaker<Object> breaker =
        CircuitBreaker.<Object>builder()
            .handleIf(HttpCalls::isPassing)
            .withFailureThreshold(FAILURES_TO_OPEN, OF_LAST)
            .withDelay(OPEN)
            .build();
    patient =
        Failsafe.with(
            retry(breaker).withMaxRetries(-1).withMaxDuration(settings.patience()).build(),
            breaker);
    hasty =
        Failsafe.with(
            retry(breaker).withBackoff(FIRST_PAUSE, HASTY_PAUSE).withMaxRetries(5).build());
  }

  private static RetryPolicyBuilder<Object> retry(CircuitBreaker<Object> breaker) {
    return RetryPolicy.<Object>builder()
        .handleIf(failure -> isPassing(failure) || failure instanceof CircuitBreakerOpenException)
        .withBackoff(FIRST_PAUSE, LONGEST_PAUSE)
        .withJitter(JITTER)
        .withDelayFnWhen(
            context -> pause(context.getLastException(), breaker), RuntimeException.class);
  }

  /** What the server or the breaker asks for; negative: the growing pauses of the policy. */
  private static Duration pause(Throwable failure, CircuitBreaker<Object> breaker) {
    Duration growing = Duration.ofMillis(-1);
    Throwable fault = unwrapped(failure);
    if (fault instanceof CircuitBreakerOpenException) {
      return breaker.getRemainingDelay().plus(FIRST_PAUSE);
    }
    return fault instanceof EndpointFault known ? known.pause().orElse(growing) : growing;
  }

  private static boolean isPassing(Throwable failure) {
    return unwrapped(failure) instanceof EndpointFault fault
        && fault.kind() == EndpointFault.Kind.PASSING;
  }

  /** What a future failed of. */
  static Throwable unwrapped(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /**
   * Posts JSON, patiently. Fails with an {@link EndpointFault}.
   *
   * @param reader takes out what is wanted; an answer that lacks it is as good as none, and may be
   *     asked for again
   */
  <T> CompletableFuture<T> post(URI uri, JsonNode body, Function<JsonNode, T> reader) {
    return patient.<T>getStageAsync(context -> send(uri, Optional.of(body)).thenApply(reader));
  }

  /**
   * One request now, tried some six times within a few seconds.
   *
   * @param body posted; without one it is a GET
   * @throws EndpointFault where there is no answer
   */
  JsonNode now(URI uri, Optional<JsonNode> body) {
    return now(uri, body, answer -> answer);
  }

  /**
   * The same with what is wanted taken out; an answer that lacks it is asked for again.
   *
   * @throws EndpointFault where there is no answer
   */
  <T> T now(URI uri, Optional<JsonNode> body, Function<JsonNode, T> reader) {
    try {
      return hasty.<T>getStageAsync(context -> send(uri, body).thenApply(reader)).get();
    } catch (ExecutionException failure) {
      Throwable cause = unwrapped(failure);
      throw cause instanceof EndpointFault fault ? fault : new IllegalStateException(cause);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw EndpointFault.passing(uri + ": interrupted");
    }
  }

  private CompletableFuture<JsonNode> send(URI uri, Optional<JsonNode> body) {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri).header("Accept", "application/json");
    if (!key.isEmpty()) {
      request.header("Authorization", key.bearer());
    }
    body.ifPresentOrElse(
        json ->
            request
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(Json.line(json))),
        request::GET);
    CompletableFuture<HttpResponse<byte[]>> exchange =
        client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    // The client's own limit ends with the headers; a body can stall too.
    return exchange
        .copy()
        .orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
        .handle(
            (response, failure) -> {
              if (failure != null) {
                exchange.cancel(true);
                throw unanswered(uri, unwrapped(failure));
              }
              return read(uri, response);
            });
  }

  private EndpointFault unanswered(URI uri, Throwable failure) {
    if (failure instanceof TimeoutException) {
      return EndpointFault.passing(uri + ": no answer within " + timeout.toSeconds() + " s");
    }
    if (failure instanceof java.net.ConnectException
        || failure instanceof java.nio.channels.UnresolvedAddressException) {
      return EndpointFault.passing(uri + ": cannot connect; is the server running there?");
    }
    if (failure instanceof IOException) {
      String message = failure.getMessage() == null ? "" : ": " + failure.getMessage();
      return EndpointFault.passing(uri + ": the connection was cut" + key.strike(message));
    }
    return new EndpointFault(
        EndpointFault.Kind.FINAL, 0, uri + ": " + key.strike(failure.toString()), Optional.empty());
  }

  private JsonNode read(URI uri, HttpResponse<byte[]> response) {
    if (response.statusCode() / 100 != 2) {
      throw FaultReader.of(uri, response.statusCode(), response.headers(), response.body(), key);
    }
    try {
      JsonNode answer = JSON.readTree(response.body());
      if (answer == null || !answer.isContainerNode()) {
        throw EndpointFault.passing(uri + ": an empty answer");
      }
      return answer;
    } catch (IOException malformed) {
      String shown = new String(response.body(), java.nio.charset.StandardCharsets.UTF_8);
      throw EndpointFault.passing(
          uri + ": not JSON, or cut: " + Quoted.of(key.strike(shown.strip())));
    }
  }
}
