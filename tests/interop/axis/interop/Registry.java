package interop;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.axis.AxisFault;
import registry.RegistryBindingSkeleton;
import registry.RegistryPort_PortType;

/**
 * What stands behind the skeleton that WSDL2Java makes of the registry's WSDL: each request is added as a line of JSON
 * to received.jsonl; the answer is the operation's in answers.json, a reply or {"fault": TEXT}, else "accepted".
 */
public final class Registry extends RegistryBindingSkeleton {
    private static final Path RECEIVED = Path.of("received.jsonl");
    private static final Path ANSWERS = Path.of("answers.json");

    public Registry() {
        super((RegistryPort_PortType) Proxy.newProxyInstance(
            Registry.class.getClassLoader(), new Class<?>[] {RegistryPort_PortType.class}, Registry::answer));
    }

    private static synchronized Object answer(Object proxy, Method method, Object[] arguments) throws IOException {
        JsonObject received = new JsonObject();
        received.addProperty("operation", method.getName());
        received.add("request", Json.GSON.toJsonTree(arguments[0]));
        Files.writeString(RECEIVED, received + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);

        JsonObject answers = JsonParser.parseString(Files.readString(ANSWERS)).getAsJsonObject();
        JsonObject answer = answers.getAsJsonObject(method.getName());
        if (answer == null) {
            answer = new JsonObject();
            answer.addProperty("resultIdentifier", 1);
        }
        if (answer.has("fault")) {
            throw new AxisFault(answer.get("fault").getAsString());
        }
        return Json.GSON.fromJson(answer, method.getReturnType());
    }
}
