package interop;

import com.google.gson.ExclusionStrategy;
import com.google.gson.FieldAttributes;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Calendar;
import java.util.Date;
import java.util.GregorianCalendar;

/** The beans that WSDL2Java generates as JSON: a member per element, absent if null; times in UTC, dates as such. */
final class Json {
    private Json() {
    }

    static final Gson GSON = new GsonBuilder()
        .setExclusionStrategies(new Bookkeeping())
        .registerTypeHierarchyAdapter(Calendar.class, (JsonSerializer<Calendar>) (value, type, context) ->
            new JsonPrimitive(value.toInstant().toString()))
        .registerTypeAdapter(Calendar.class, (JsonDeserializer<Calendar>) (element, type, context) ->
            GregorianCalendar.from(Instant.parse(element.getAsString()).atZone(ZoneOffset.UTC)))
        .registerTypeAdapter(Date.class, (JsonSerializer<Date>) (value, type, context) ->
            new JsonPrimitive(value.toInstant().atZone(ZoneId.systemDefault()).toLocalDate().toString()))
        .registerTypeAdapter(Date.class, (JsonDeserializer<Date>) (element, type, context) ->
            Date.from(LocalDate.parse(element.getAsString()).atStartOfDay(ZoneId.systemDefault()).toInstant()))
        .create();

    /** Leaves out the two fields by which a bean keeps track of its own equals and hashCode. */
    private static final class Bookkeeping implements ExclusionStrategy {
        @Override
        public boolean shouldSkipField(FieldAttributes field) {
            return field.getName().startsWith("__");
        }

        @Override
        public boolean shouldSkipClass(Class<?> type) {
            return false;
        }
    }
}
