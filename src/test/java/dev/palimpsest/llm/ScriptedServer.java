package dev.palimpsest.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.palimpsest.base.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleBiFunction;
import java.util.function.UnaryOperator;

/**
 * A server that speaks OpenAI's protocol and answers from known probabilities of digits. It can do
 * as much or as little as it is told to, and makes faults on purpose.
 */
public final class ScriptedServer implements AutoCloseable {
  /** What goes wrong, instead of an answer. */
  public enum Fault {
    TOO_MANY,
    BROKEN,
    CUT,
    MALFORMED,
    TRUNCATED,
    NO_LOGPROBS,
    EMPTY,
    STALL
  }

  private static final int FIRST_ID = 48;

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final LabelWay best;
  private final ToDoubleBiFunction<String, Integer> chances;
  private final Map<String, AtomicInteger> answered = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
  private final List<String> authorizations =
      java.util.Collections.synchronizedList(new ArrayList<>());
  public volatile double faultShare;
  public volatile List<Fault> faults = List.of(Fault.values());
  volatile int status = 200;
  volatile String refusal = "no";
  public volatile int latencyMillis;
  volatile int stallMillis = 8000;
  volatile boolean choosesOne;

  /** What it writes where more than a label is asked for. */
  public volatile UnaryOperator<String> writes = prompt -> "words";

  /**
   * @param best the best way of telling probabilities that it has; it has the worse ones too
   * @param chances of digit d after a prompt
   */
  public ScriptedServer(LabelWay best, ToDoubleBiFunction<String, Integer> chances) {
    this.best = best;
    this.chances = chances;
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 256);
    } catch (IOException failure) {
      throw new IllegalStateException(failure);
    }
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  /** How often a request of this body was answered; a fault is no answer. */
  public Map<String, AtomicInteger> answered() {
    return answered;
  }

  List<String> authorizations() {
    return authorizations;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] sent = exchange.getRequestBody().readAllBytes();
      String authorization = exchange.getRequestHeaders().getFirst("Authorization");
      authorizations.add(authorization == null ? "" : authorization);
      String path = exchange.getRequestURI().getPath();
      String body = new String(sent, StandardCharsets.UTF_8);
      if (latencyMillis > 0) {
        Thread.sleep(latencyMillis);
      }
      if (status != 200) {
        exchange.getResponseHeaders().add("Retry-After", "0");
        send(
            exchange,
            status,
            "{\"error\":{\"message\":\"" + refusal + " " + authorization + "\"}}");
        return;
      }
      int tries = asked.computeIfAbsent(body, b -> new AtomicInteger()).getAndIncrement();
      SplittableRandom random = new SplittableRandom(31L * body.hashCode() + tries);
      boolean spoiled = !body.isEmpty() && random.nextDouble() < faultShare;
      ObjectNode answer =
          switch (path) {
            case "/v1/models" -> models();
            case "/tokenize" -> tokenize(Json.MAPPER.readTree(sent));
            case "/detokenize" -> detokenize(Json.MAPPER.readTree(sent));
            case "/v1/chat/completions", "/v1/completions" -> complete(Json.MAPPER.readTree(sent));
            default -> Json.MAPPER.createObjectNode().put("missing", true);
          };
      if (answer.has("missing")) {
        send(exchange, 404, "{\"detail\":\"Not Found\"}");
      } else if (answer.has("refused")) {
        send(
            exchange, 400, "{\"error\":{\"message\":\"" + answer.path("refused").asText() + "\"}}");
      } else if (spoiled) {
        spoil(exchange, faults.get(random.nextInt(faults.size())), answer);
      } else {
        if (path.endsWith("completions")) {
          answered.computeIfAbsent(body, b -> new AtomicInteger()).incrementAndGet();
        }
        send(exchange, 200, Json.line(answer));
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void spoil(HttpExchange exchange, Fault fault, ObjectNode answer)
      throws IOException, InterruptedException {
    String json = Json.line(answer);
    switch (fault) {
      case TOO_MANY -> {
        exchange.getResponseHeaders().add("Retry-After", "0.05");
        send(exchange, 429, "{\"error\":{\"message\":\"slow down\"}}");
      }
      case BROKEN -> send(exchange, 500, "<html>oops</html>");
      case CUT -> {
        exchange.sendResponseHeaders(200, json.length());
        exchange.getResponseBody().write(json.getBytes(StandardCharsets.UTF_8), 0, 10);
      }
      case MALFORMED -> send(exchange, 200, "{\"choices\": [{]}");
      case TRUNCATED -> send(exchange, 200, json.substring(0, json.length() / 2));
      case NO_LOGPROBS -> {
        for (JsonNode choice : answer.path("choices")) {
          ((ObjectNode) choice).remove(List.of("logprobs", "text", "message"));
        }
        answer.remove("prompt_logprobs");
        send(
            exchange,
            200,
            answer.has("choices") && best != LabelWay.SAMPLES ? Json.line(answer) : "{}");
      }
      case EMPTY -> send(exchange, 200, "");
      case STALL -> {
        exchange.sendResponseHeaders(200, 0);
        exchange.getResponseBody().write('{');
        exchange.getResponseBody().flush();
        Thread.sleep(stallMillis);
      }
    }
  }

  private static void send(HttpExchange exchange, int code, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(code, bytes.length == 0 ? -1 : bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  private static ObjectNode models() {
    ObjectNode root = Json.MAPPER.createObjectNode();
    root.putArray("data").addObject().put("id", "scripted");
    return root;
  }

  private ObjectNode tokenize(JsonNode asked) {
    if (best != LabelWay.EXACT) {
      return Json.MAPPER.createObjectNode().put("missing", true);
    }
    ObjectNode root = Json.MAPPER.createObjectNode();
    ArrayNode tokens = root.putArray("tokens");
    asked.path("prompt").asText().chars().forEach(tokens::add);
    return root;
  }

  private static ObjectNode detokenize(JsonNode asked) {
    return Json.MAPPER
        .createObjectNode()
        .put("prompt", Character.toString(asked.path("tokens").path(0).asInt()));
  }

  /** What the model is told, without the label at the end of a conversation that has one. */
  public static String text(JsonNode asked) {
    if (asked.has("prompt")) {
      return asked.path("prompt").asText();
    }
    JsonNode messages = asked.path("messages");
    int count = messages.size() - (asked.path("continue_final_message").asBoolean() ? 1 : 0);
    List<String> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(messages.path(i).path("content").asText());
    }
    return String.join("\n", all);
  }

  private ObjectNode complete(JsonNode asked) {
    if (best.compareTo(LabelWay.TOP) > 0 && wantsTop(asked)) {
      return refused("logprobs are not supported");
    }
    if (asked.has("logprob_token_ids") && best != LabelWay.EXACT) {
      return refused("unknown field logprob_token_ids");
    }
    boolean wantsPrompt = asked.has("prompt_logprobs");
    if (wantsPrompt && best == LabelWay.SAMPLES) {
      return refused("prompt_logprobs are not supported");
    }
    ObjectNode root = Json.MAPPER.createObjectNode();
    root.putObject("usage").put("prompt_tokens", 7).put("completion_tokens", 1);
    ArrayNode choices = root.putArray("choices");
    if (wantsPrompt) {
      choices.addObject().put("text", "x");
      inPrompt(root, asked);
      return root;
    }
    int count = choosesOne ? 1 : asked.path("n").asInt(1);
    for (int i = 0; i < count; i++) {
      choices.add(choice(asked));
    }
    return root;
  }

  /** In the older form of plain texts a number of log-probabilities, in the newer one true. */
  private static boolean wantsTop(JsonNode asked) {
    return asked.path("logprobs").asBoolean(false) || asked.path("logprobs").asInt(0) > 0;
  }

  private static ObjectNode refused(String why) {
    return Json.MAPPER.createObjectNode().put("refused", why);
  }

  /** At each token a map, the token that is there first, as vLLM has it. */
  private void slots(ObjectNode root, JsonNode asked) {
    StringBuilder whole = new StringBuilder();
    if (asked.has("prompt")) {
      whole.append(asked.path("prompt").asText());
    }
    asked.path("messages").forEach(turn -> whole.append(turn.path("content").asText()));
    ArrayNode list = root.putArray("prompt_logprobs");
    list.addNull();
    String[] parts = whole.toString().split("(?<=\t)|(?=\n)", -1);
    StringBuilder before = new StringBuilder();
    for (String part : parts) {
      ObjectNode token = list.addObject();
      token.putObject("7").put("logprob", -9.0).put("decoded_token", part);
      for (int digit = 0; digit < 10 && part.equals("unknown"); digit++) {
        token
            .putObject(Integer.toString(FIRST_ID + digit))
            .put("logprob", Math.log(chances.applyAsDouble(before.toString(), digit)))
            .put("decoded_token", Integer.toString(digit));
      }
      before.append(part);
    }
  }

  private void inPrompt(ObjectNode root, JsonNode asked) {
    boolean chat = asked.has("messages");
    if (asked.toString().contains("\\tunknown")) {
      slots(root, asked);
      return;
    }
    JsonNode messages = asked.path("messages");
    String whole = text(asked);
    String label =
        chat
            ? messages.path(messages.size() - 1).path("content").asText()
            : whole.substring(whole.length() - 1);
    String prompt = chat ? whole : whole.substring(0, whole.length() - 1);
    ArrayNode list =
        chat
            ? root.putArray("prompt_logprobs")
            : ((ObjectNode) root.path("choices").path(0)).putArray("prompt_logprobs");
    list.addNull();
    list.addObject()
        .putObject(Integer.toString(FIRST_ID + label.charAt(0)))
        .put("logprob", Math.log(chances.applyAsDouble(prompt, label.charAt(0) - '0')))
        .put("decoded_token", label);
  }

  private ObjectNode choice(JsonNode asked) {
    ObjectNode choice = Json.MAPPER.createObjectNode();
    String prompt = text(asked);
    int likeliest = 0;
    for (int digit = 1; digit < 10; digit++) {
      if (chances.applyAsDouble(prompt, digit) > chances.applyAsDouble(prompt, likeliest)) {
        likeliest = digit;
      }
    }
    boolean prose = asked.path("max_tokens").asInt(0) > 20 && !wantsTop(asked);
    String said = prose ? writes.apply(prompt) : Integer.toString(likeliest);
    boolean chat = asked.has("messages");
    if (chat) {
      choice.putObject("message").put("role", "assistant").put("content", said);
    } else {
      choice.put("text", said);
    }
    choice.put("finish_reason", "stop");
    if (wantsTop(asked)) {
      logprobs(choice, asked, prompt, chat);
    }
    return choice;
  }

  private void logprobs(ObjectNode choice, JsonNode asked, String prompt, boolean chat) {
    boolean byId = asked.has("logprob_token_ids");
    ObjectNode logprobs = choice.putObject("logprobs");
    ObjectNode first = chat ? logprobs.putArray("content").addObject() : logprobs;
    ArrayNode top = Json.MAPPER.createArrayNode();
    ObjectNode map = Json.MAPPER.createObjectNode();
    for (int digit = 0; digit < 10; digit++) {
      double chance = chances.applyAsDouble(prompt, digit);
      String name = byId ? "token_id:" + ('0' + digit) : Integer.toString(digit);
      // A server that tells the likeliest tokens does not tell the unlikely ones.
      if (byId || chance > 0.001) {
        top.addObject().put("token", name).put("logprob", Math.log(chance));
        map.put(name, Math.log(chance));
      }
    }
    if (chat) {
      first.put("token", "?").put("logprob", -20.0).set("top_logprobs", top);
    } else {
      first.putArray("tokens").add("?");
      first.putArray("token_logprobs").add(-20.0);
      first.putArray("top_logprobs").add(map);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
