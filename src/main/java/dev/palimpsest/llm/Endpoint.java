package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.Sampling;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/**
 * A model behind a server that speaks OpenAI's protocol: vLLM, SGLang, llama.cpp's server, Ollama,
 * and services such as OpenAI, Together or OpenRouter.
 */
public final class Endpoint implements Respondent {
  /** Questions in a row that a server may refuse before it is taken to refuse all. */
  private static final int REFUSALS = 8;

  private final EndpointSettings settings;
  private final HttpCalls http;
  private final Probe probe;
  private final Calls calls;
  private final Map<Boolean, Probe.Found> found = new ConcurrentHashMap<>();
  private final AtomicInteger refusedInARow = new AtomicInteger();

  /**
   * Connects: the server is asked for its models, and one short question.
   *
   * @param environment where the key is, usually {@code System::getenv}
   * @throws dev.palimpsest.base.PalimpsestException naming the server, and what is wrong
   */
  public Endpoint(EndpointSettings settings, UnaryOperator<String> environment) {
    this.settings = settings;
    http =
        new HttpCalls(
            settings, Secret.find(environment, settings.keyVariable(), settings.base().getHost()));
    probe = new Probe(settings, http);
    String model = probe.model();
    calls = new Calls(settings, model, probe.lengthKey(model));
  }

  /**
   * What the server can do for questions of a kind; asked once.
   *
   * @param inChat for conversations, rather than plain texts
   */
  public Capabilities capabilities(boolean inChat) {
    return found(inChat).capabilities();
  }

  private Probe.Found found(boolean inChat) {
    return found.computeIfAbsent(inChat, chat -> probe.labels(calls, chat));
  }

  /** The model, as the server calls it. */
  public String model() {
    return calls.model();
  }

  /** The model and how labels are asked for; not the address, which may be another tomorrow. */
  @Override
  public String identity() {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("model", calls.model());
    settings.labels().ifPresent(way -> identity.put("labels", way.label()));
    identity.put("samples", Integer.toString(settings.samples()));
    return identity.toString();
  }

  @Override
  public void ask(Iterator<Question> questions, Replies replies) {
    Semaphore room = new Semaphore(settings.concurrency());
    AtomicReference<Throwable> failure = new AtomicReference<>();
    long index = 0;
    while (failure.get() == null && questions.hasNext()) {
      Question question = questions.next();
      long place = index++;
      room.acquireUninterruptibly();
      CompletableFuture<? extends Reply> reply;
      try {
        reply = reply(question);
      } catch (RuntimeException | Error fault) {
        reply = CompletableFuture.failedFuture(fault);
      }
      CompletableFuture<?> unused =
          reply.whenComplete(
              (answer, fault) -> {
                try {
                  replies.accept(place, question, fault == null ? heard(answer) : refused(fault));
                } catch (RuntimeException | Error stop) {
                  failure.compareAndSet(null, stop);
                } finally {
                  room.release();
                }
              });
    }
    room.acquireUninterruptibly(settings.concurrency());
    if (failure.get() instanceof RuntimeException stop) {
      throw stop;
    }
    if (failure.get() instanceof Error stop) {
      throw stop;
    }
  }

  private Reply heard(Reply reply) {
    refusedInARow.set(0);
    return reply;
  }

  /** A question that the server refuses is counted; any other failure ends the work. */
  private Reply.Refused refused(Throwable failure) {
    Throwable cause = HttpCalls.unwrapped(failure);
    if (!(cause instanceof EndpointFault fault)) {
      throw cause instanceof RuntimeException other ? other : new IllegalStateException(cause);
    }
    if (fault.kind() != EndpointFault.Kind.QUESTION
        || refusedInARow.incrementAndGet() >= REFUSALS) {
      throw fault.told();
    }
    return new Reply.Refused(String.valueOf(fault.getMessage()), Usage.NONE);
  }

  private CompletableFuture<? extends Reply> reply(Question question) {
    boolean inChat = question.prompt() instanceof Prompt.Chat;
    if (question instanceof Question.Labelling labelling) {
      return found(inChat).asker().ask(labelling);
    }
    if (question instanceof Question.Filling filling) {
      return new Filling(http, calls).ask(filling);
    }
    Question.Writing writing = (Question.Writing) question;
    return http.post(calls.uri(writing.prompt()), body(writing), Endpoint::written);
  }

  private ObjectNode body(Question.Writing question) {
    Sampling sampling = question.sampling();
    ObjectNode body =
        calls
            .body(question.prompt(), sampling.maxTokens())
            .put("temperature", sampling.temperature());
    if (sampling.temperature() > 0) {
      body.put("seed", sampling.seed());
      if (sampling.topP() < 1) {
        body.put("top_p", sampling.topP());
      }
    }
    return body;
  }

  private static Reply written(JsonNode answer) {
    JsonNode choice = Calls.choice(answer);
    String end = choice.path("finish_reason").asText("");
    JsonNode refusal = choice.path("message").path("refusal");
    Optional<String> reason =
        refusal.isTextual()
            ? Optional.of(refusal.textValue())
            : Optional.of("the server's filter").filter(filter -> end.equals("content_filter"));
    return reason.isPresent()
        ? new Reply.Refused(reason.get(), Calls.usage(answer))
        : new Reply.Written(Calls.text(choice), !end.equals("length"), Calls.usage(answer));
  }

  @Override
  public void close() {
    // Nothing is held that does not end by itself, see HttpCalls.
  }
}
