package dev.palimpsest.llm;

import dev.palimpsest.base.PalimpsestException;
import java.time.Duration;
import java.util.Optional;

/** A request that brought no answer. */
final class EndpointFault extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is to be done about it. */
  enum Kind {
    /** It may pass: the request is tried again. */
    PASSING,
    /** This question is not answered, others may be. */
    QUESTION,
    /** No request will be answered: a wrong key, address or model, or no credit. */
    FINAL
  }

  private final Kind kind;
  private final int status;
  private final transient Optional<Duration> pause;

  /**
   * @param status of HTTP; 0 where there was no answer
   * @param message for people, without key
   * @param pause how long the server wants to be left alone
   */
  EndpointFault(Kind kind, int status, String message, Optional<Duration> pause) {
    super(message, null, false, false);
    this.kind = kind;
    this.status = status;
    this.pause = pause;
  }

  /** A fault that may pass. */
  static EndpointFault passing(String message) {
    return new EndpointFault(Kind.PASSING, 0, message, Optional.empty());
  }

  /** A question that is not answered this way. */
  static EndpointFault question(String message) {
    return new EndpointFault(Kind.QUESTION, 0, message, Optional.empty());
  }

  /** For the command line: the message alone. */
  PalimpsestException told() {
    return new PalimpsestException(String.valueOf(getMessage()), this);
  }

  int status() {
    return status;
  }

  Kind kind() {
    return kind;
  }

  Optional<Duration> pause() {
    return pause;
  }
}
