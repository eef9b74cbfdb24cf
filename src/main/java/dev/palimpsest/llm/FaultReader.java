package dev.palimpsest.llm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Quoted;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/** What a server's refusal means, and what it says about it. */
final class FaultReader {
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);
  private static final int LONGEST_REASON = 200;

  private FaultReader() {}

  /**
   * @param status other than 2xx
   */
  static EndpointFault of(URI uri, int status, HttpHeaders headers, byte[] body, Secret key) {
    String reason = reason(body);
    String message = uri + ": " + status + meaning(status, key) + said(reason, key);
    return new EndpointFault(kind(status, reason), status, message, pause(headers));
  }

  private static EndpointFault.Kind kind(int status, String reason) {
    return switch (status) {
      case 400, 413, 422 -> EndpointFault.Kind.QUESTION;
      // A quota used up has the status of too many requests, but does not pass.
      case 429 ->
          reason.contains("insufficient_quota")
              ? EndpointFault.Kind.FINAL
              : EndpointFault.Kind.PASSING;
      case 408, 409, 425 -> EndpointFault.Kind.PASSING;
      case 501, 505 -> EndpointFault.Kind.FINAL;
      default -> status >= 500 ? EndpointFault.Kind.PASSING : EndpointFault.Kind.FINAL;
    };
  }

  private static String meaning(int status, Secret key) {
    return switch (status) {
      case 401, 403 ->
          key.isEmpty()
              ? " (the server wants a key: set the environment variable " + key.variable() + ")"
              : " (the server refuses the key of the environment variable " + key.variable() + ")";
      case 402 -> " (no credit left)";
      case 404 -> " (no such call or model)";
      case 429 -> " (too many requests)";
      default -> status >= 300 && status < 400 ? " (it sends us elsewhere: use that address)" : "";
    };
  }

  private static String said(String reason, Secret key) {
    return reason.isEmpty() ? "" : ": " + Quoted.shortened(key.strike(reason), LONGEST_REASON);
  }

  /** The message of the usual forms of an error, with its code; else the beginning of the body. */
  private static String reason(byte[] body) {
    try {
      JsonNode root = Json.MAPPER.readTree(body);
      JsonNode error = root.path("error");
      for (JsonNode text :
          new JsonNode[] {
            error.path("message"), error, root.path("message"), root.path("detail")
          }) {
        if (text.isTextual()) {
          String code = error.path("code").asText("");
          return text.textValue() + (code.isEmpty() ? "" : " [" + code + "]");
        }
      }
    } catch (JsonProcessingException noJson) {
      // A proxy's page, say.
    } catch (java.io.IOException impossible) {
      throw new IllegalStateException(impossible);
    }
    return new String(body, StandardCharsets.UTF_8).strip();
  }

  /** {@code Retry-After}, in seconds or as a date. */
  static Optional<Duration> pause(HttpHeaders headers) {
    return headers
        .firstValue("Retry-After")
        .flatMap(FaultReader::duration)
        .map(wanted -> wanted.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : wanted);
  }

  private static Optional<Duration> duration(String text) {
    try {
      return Optional.of(Duration.ofMillis((long) (1000 * Double.parseDouble(text.strip()))))
          .filter(wanted -> !wanted.isNegative());
    } catch (NumberFormatException date) {
      try {
        Instant then =
            ZonedDateTime.parse(text.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        Duration wanted = Duration.between(Instant.now(), then);
        return Optional.of(wanted.isNegative() ? Duration.ZERO : wanted);
      } catch (DateTimeParseException neither) {
        return Optional.empty();
      }
    }
  }
}
