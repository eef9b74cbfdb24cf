package dev.palimpsest.experiment;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.WholeNumbers;
import java.io.IOException;
import java.util.OptionalLong;

/**
 * Whole numbers in experiments' files, as on the command line: {@code 1e6} and {@code 10_000} are
 * read, {@code 1.5} is an error and not 1.
 */
final class SettingNumbers extends SimpleModule {
  private static final long serialVersionUID = 1L;

  SettingNumbers() {
    addDeserializer(long.class, new Whole<>(Long.class, Long.MIN_VALUE, Long.MAX_VALUE));
    addDeserializer(Long.class, new Whole<>(Long.class, Long.MIN_VALUE, Long.MAX_VALUE));
    addDeserializer(int.class, new Whole<>(Integer.class, Integer.MIN_VALUE, Integer.MAX_VALUE));
    addDeserializer(
        Integer.class, new Whole<>(Integer.class, Integer.MIN_VALUE, Integer.MAX_VALUE));
  }

  private static final class Whole<T extends Number> extends StdScalarDeserializer<T> {
    private static final long serialVersionUID = 1L;

    private final long least;
    private final long most;

    Whole(Class<T> type, long least, long most) {
      super(type);
      this.least = least;
      this.most = most;
    }

    @Override
    public T deserialize(JsonParser parser, DeserializationContext context) throws IOException {
      JsonToken token = parser.currentToken();
      OptionalLong number =
          token != null && token.isScalarValue() && !token.isBoolean()
              ? WholeNumbers.parse(parser.getText())
              : OptionalLong.empty();
      if (number.isEmpty() || number.getAsLong() < least || number.getAsLong() > most) {
        return refuse(context, "is '" + Quoted.of(parser.getText()) + "'");
      }
      long value = number.getAsLong();
      @SuppressWarnings("unchecked") // one of two types, each with its own limits
      T boxed = (T) (handledType() == Long.class ? (Object) value : (Object) (int) value);
      return boxed;
    }

    @Override
    public T getNullValue(DeserializationContext context) throws JsonMappingException {
      return refuse(context, "has no value");
    }

    private T refuse(DeserializationContext context, String found) throws JsonMappingException {
      return context.reportInputMismatch(
          this,
          "%s, expected %s%s",
          found,
          WholeNumbers.EXPECTED,
          most == Long.MAX_VALUE ? "" : " below 2^31");
    }
  }
}
