package dev.palimpsest.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions that chat templates may call. */
final class Globals {
  private static final long LONGEST_RANGE = 100_000;

  static final Map<String, Values.Function> FUNCTIONS =
      Map.of(
          "range", (given, named) -> range(given),
          "namespace", (given, named) -> new Values.Namespace(members(given, named)),
          "dict", (given, named) -> new LinkedHashMap<Object, Object>(named),
          "raise_exception",
              (given, named) -> {
                throw new TemplateException(
                    "the template refuses: "
                        + (given.isEmpty() ? "no reason given" : Values.text(given.get(0))));
              },
          "strftime_now", (given, named) -> now(given));

  private Globals() {}

  private static Map<String, Object> members(List<Object> given, Map<String, Object> named) {
    Map<String, Object> members = new LinkedHashMap<>();
    if (!given.isEmpty() && given.get(0) instanceof Map<?, ?> map) {
      map.forEach((key, value) -> members.put(Values.text(key), value));
    }
    members.putAll(named);
    return members;
  }

  private static Object range(List<Object> given) {
    if (given.isEmpty()) {
      throw new TemplateException("range: expected a number");
    }
    long from = given.size() > 1 ? Values.whole(given.get(0)) : 0;
    long to = Values.whole(given.get(given.size() > 1 ? 1 : 0));
    long step = given.size() > 2 ? Values.whole(given.get(2)) : 1;
    if (step == 0 || Math.abs(from) > LONGEST_RANGE || Math.abs(to) > LONGEST_RANGE) {
      throw new TemplateException("range: expected numbers up to " + LONGEST_RANGE);
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      numbers.add(i);
    }
    return numbers;
  }

  /** The present time, as C's strftime writes it; codes that are not known stay as they are. */
  private static String now(List<Object> given) {
    String format = given.isEmpty() ? "" : Values.string(given.get(0));
    LocalDateTime now = LocalDateTime.now(java.time.ZoneId.systemDefault());
    Map<Character, String> patterns =
        Map.ofEntries(
            Map.entry('Y', "yyyy"),
            Map.entry('y', "yy"),
            Map.entry('m', "MM"),
            Map.entry('d', "dd"),
            Map.entry('H', "HH"),
            Map.entry('I', "hh"),
            Map.entry('M', "mm"),
            Map.entry('S', "ss"),
            Map.entry('p', "a"),
            Map.entry('b', "MMM"),
            Map.entry('B', "MMMM"),
            Map.entry('a', "EEE"),
            Map.entry('A', "EEEE"),
            Map.entry('j', "DDD"));
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      char code = i + 1 < format.length() ? format.charAt(i + 1) : ' ';
      if (c == '%' && patterns.containsKey(code)) {
        text.append(now.format(DateTimeFormatter.ofPattern(patterns.get(code), Locale.ENGLISH)));
        i++;
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }
}
