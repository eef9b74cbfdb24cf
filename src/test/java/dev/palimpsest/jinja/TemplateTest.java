package dev.palimpsest.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates against what transformers' sandboxed Jinja made of them, and what would not end. */
@Timeout(60)
class TemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Lists of two to the fortieth items, made in forty steps. */
  private static final String NESTED =
      "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}"
          + "{% set ns.m = [ns.m, ns.m] %}{% endfor %}";

  @TestFactory
  Stream<DynamicTest> rendersWhatTransformersRenders() throws IOException {
    JsonNode cases;
    try (InputStream stream =
        TemplateTest.class.getResourceAsStream("/golden/jinja/chat_templates.json")) {
      cases = JSON.readTree(Objects.requireNonNull(stream));
    }
    assertThat(cases).hasSizeGreaterThan(60);
    return StreamSupport.stream(cases.spliterator(), false)
        .map(
            one ->
                DynamicTest.dynamicTest(
                    one.get("name").asText(),
                    () -> {
                      Map<String, Object> variables = new HashMap<>();
                      variables.put("messages", JSON.convertValue(one.get("messages"), List.class));
                      variables.put("tools", Template.none());
                      variables.put("documents", Template.none());
                      variables.put(
                          "add_generation_prompt", one.get("add_generation_prompt").asBoolean());
                      variables.put("bos_token", "<s>");
                      variables.put("eos_token", "</s>");
                      if (one.get("expected").isNull()) {
                        assertThatThrownBy(() -> render(one, variables))
                            .isInstanceOf(TemplateException.class);
                      } else {
                        assertThat(render(one, variables)).isEqualTo(one.get("expected").asText());
                      }
                    }));
  }

  private static String render(JsonNode one, Map<String, Object> variables) {
    return Template.of(one.get("template").asText()).render(variables);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}"
            + "{% endfor %}",
        "{{ 'a' * 9999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ range(99999999) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set x = 'a' * 3000000 %}{% for i in range(1000) %}{% set y = x + 'b' %}{% endfor %}",
        "{% set x = 'a' * 3000000 %}{% for i in range(1000) %}{% if 'b' in x %}{% endif %}"
            + "{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}"
            + "{% endfor %}",
        NESTED + "{{ ns.l }}",
        NESTED + "{{ ns.l | tojson }}",
        NESTED + "{{ ns.l == ns.m }}",
        NESTED + "{{ {ns.l: 1} }}",
        NESTED + "{{ [ns.l, ns.m] | sort }}",
        NESTED + "{{ [ns.l] | unique | length }}{{ {}[ns.l] }}",
        "{{ ('a' * 4000).replace('', 'b' * 4000) }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l, ns.l] %}"
            + "{% endfor %}{{ ns.l }}",
      })
  void whatWouldNotEndIsStopped(String source) {
    assertThatThrownBy(() -> Template.of(source).render(Map.of()))
        .isInstanceOf(TemplateException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.getClass() }}",
        "{{ ''.__class__ }}{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ ''['class']['x'] }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{{ self.x() }}",
      })
  void thereIsNoWayOut(String source) {
    assertThatThrownBy(() -> Template.of(source).render(Map.of("messages", List.of())))
        .isInstanceOf(TemplateException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{",
        "{{ 'a }}",
        "{% if %}",
        "{% if true %}",
        "{% endif %}",
        "{% for x %}{% endfor %}",
        "{{ a b }}",
        "{{ [1, }}",
        "{{ (1 }}",
        "{{ 1 + }}",
        "{% set %}",
        "{% raw %}",
        "{{ $ }}",
        "{{ 99999999999999999999 }}",
        "{{ x | nosuch }}",
        "{{ 1 is nosuch }}",
        "{{ '\\ud8' }}"
      })
  void whatIsWrongIsOneLine(String source) {
    assertThatThrownBy(() -> Template.of(source).render(Map.of()))
        .isInstanceOf(TemplateException.class)
        .satisfies(failure -> assertThat(failure.getMessage()).startsWith("line 1: "));
  }

  @Test
  void deepNestingIsRefused() {
    for (String source :
        List.of(
            "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}",
            "{{ " + "-".repeat(100_000) + "1 }}",
            "{{ " + "not ".repeat(100_000) + "1 }}",
            "{% if 1 %}".repeat(100_000))) {
      assertThatThrownBy(() -> Template.of(source).render(Map.of()))
          .isInstanceOf(TemplateException.class);
    }
    // Long chains are no nesting, whatever they are stored as.
    String sum = "{{ 1" + " + 1".repeat(20_000) + " }}";
    assertThat(Template.of(sum).render(Map.of())).isEqualTo("20001");
  }

  @Test
  void aFaultNamesItsLine() {
    assertThatThrownBy(() -> Template.of("a\n\n{{ x.y.z }}").render(Map.of("x", Map.of())))
        .hasMessage("line 3: 'z' of something undefined");
  }
}
