package interop;

import java.io.FileInputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.apache.axis.WSDDEngineConfiguration;
import org.apache.axis.deployment.wsdd.WSDDDocument;
import org.apache.axis.server.AxisServer;
import org.apache.axis.transport.http.SimpleAxisServer;
import org.apache.axis.utils.XMLUtils;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Serves a {@link Registry} at /axis/services/RegistryPort as the given WSDD files deploy it; prints its root URL. */
public final class Host {
    private Host() {
    }

    public static void main(String[] deployments) throws Exception {
        SimpleAxisServer server = new SimpleAxisServer();
        ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        server.setServerSocket(socket);
        AxisServer engine = server.getAxisServer();
        for (String deployment : deployments) {
            deploy(engine, XMLUtils.newDocument(new FileInputStream(deployment)));
        }
        System.out.println("http://127.0.0.1:" + socket.getLocalPort());
        server.start();
    }

    private static void deploy(AxisServer engine, Document deployment) throws Exception {
        NodeList parameters = deployment.getElementsByTagNameNS("*", "parameter");
        for (int index = 0; index < parameters.getLength(); index++) {
            Element parameter = (Element) parameters.item(index);
            if (parameter.getAttribute("name").equals("className")) {
                parameter.setAttribute("value", Registry.class.getName());
            }
        }
        new WSDDDocument(deployment).deploy(((WSDDEngineConfiguration) engine.getConfig()).getDeployment());
        engine.refreshGlobalOptions();
    }
}
