package interop;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.InputStreamReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.axis.AxisEngine;
import org.apache.axis.AxisFault;
import org.apache.axis.client.Stub;
import org.apache.axis.utils.XMLUtils;
import org.w3c.dom.Element;
import transactionlog.TransactionLogPort_PortType;
import transactionlog.TransactionLogServiceLocator;

/**
 * A registry on the stub that WSDL2Java makes of the log's WSDL. Reads calls from standard input as JSON,
 * [{"operation": ..., "request": {...}}, ...]; prints what it read back,
 * [{"reply": {...}} or {"fault": {"code": ..., "string": ..., "detail": [XML, ...]}}, ...].
 * Arguments: URL true|false [USER PASSWORD], the second being Axis' own switch sendMultiRefs. Who shows a certificate
 * instead has it in Java's own settings javax.net.ssl.keyStore and trustStore.
 */
public final class Client {
    private Client() {
    }

    public static void main(String[] arguments) throws Exception {
        TransactionLogServiceLocator locator = new TransactionLogServiceLocator();
        locator.getEngine().setOption(AxisEngine.PROP_DOMULTIREFS, Boolean.valueOf(arguments[1]));
        TransactionLogPort_PortType port = locator.getTransactionLogPort(new URL(arguments[0]));
        if (arguments.length > 2) {
            ((Stub) port).setUsername(arguments[2]);
            ((Stub) port).setPassword(arguments[3]);
        }

        JsonArray outcomes = new JsonArray();
        for (JsonElement element : JsonParser.parseReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))
                .getAsJsonArray()) {
            JsonObject call = element.getAsJsonObject();
            outcomes.add(outcome(port, call.get("operation").getAsString(), call.get("request")));
        }
        System.out.println(outcomes);
    }

    private static JsonObject outcome(TransactionLogPort_PortType port, String operation, JsonElement request)
            throws IllegalAccessException {
        Method method = Arrays.stream(TransactionLogPort_PortType.class.getMethods())
            .filter(candidate -> candidate.getName().equals(operation)).findFirst().orElseThrow();
        JsonObject outcome = new JsonObject();
        try {
            Object reply = method.invoke(port, Json.GSON.fromJson(request, method.getParameterTypes()[0]));
            outcome.add("reply", Json.GSON.toJsonTree(reply));
        } catch (InvocationTargetException exception) {
            outcome.add("fault", fault((AxisFault) exception.getCause()));
        }
        return outcome;
    }

    private static JsonObject fault(AxisFault fault) {
        JsonArray detail = new JsonArray();
        Element[] entries = fault.getFaultDetails();
        for (Element entry : entries == null ? new Element[0] : entries) {
            detail.add(XMLUtils.ElementToString(entry));
        }
        JsonObject description = new JsonObject();
        description.addProperty("code", fault.getFaultCode().getLocalPart());
        description.addProperty("string", fault.getFaultString());
        description.add("detail", detail);
        return description;
    }
}
