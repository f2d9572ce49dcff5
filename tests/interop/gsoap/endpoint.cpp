// A registry's endpoint on the service that gSOAP makes of the registry's WSDL, run in the directory that holds what it
// needs: a file for each operation with its reply as plain XML, or "fault", a tab, the text of a fault; where there is
// none the answer is "accepted". Each request is added as a line to received: the operation, a tab, plain XML. Prints its
// root URL.
#include <arpa/inet.h>
#include <fstream>
#include <iterator>

#include "RegistryBinding.nsmap"
#include "soapRegistryBindingService.h"

#include "literal.hpp"

class Registry : public RegistryBindingService {
  public:
    Registry() : RegistryBindingService(SOAP_C_UTFSTRING | SOAP_IO_KEEPALIVE) {}
    RegistryBindingService *copy() override { return nullptr; }

#define OPERATION(name, type)                                                                     \
    int name(types__##type##Request *request, itl__##name##Response &response) override {           \
        response.name##Response = soap_new_types__##type##Response(soap);                           \
        return answer(#name, *request, *response.name##Response);                                 \
    }

    OPERATION(initiateReconciliation, InitiateReconciliation)
    OPERATION(provideTime, ProvideTime)
    OPERATION(acceptMessage, Message)
    OPERATION(acceptProposal, Proposal)
    OPERATION(acceptNotification, Notification)
    OPERATION(acceptITLNotice, ITLNotice)
    OPERATION(receiveReconciliationResult, ReconciliationResult)
    OPERATION(provideAuditTrail, ProvideAuditTrail)
    OPERATION(provideTotals, ProvideTotals)
    OPERATION(provideUnitBlocks, ProvideUnitBlocks)

  private:
    template <class Request, class Response>
    int answer(const std::string &operation, const Request &request, Response &response) {
        std::ofstream("received", std::ios::app) << operation << '\t' << written(request) << std::endl;
        std::ifstream file(operation);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        if (text.rfind("fault\t", 0) == 0) return soap_receiverfault(soap_strdup(soap, text.c_str() + 6), nullptr);
        response.soap_default(soap);
        response.resultIdentifier = 1;
        if (!text.empty()) read(answers, text, response);
        return SOAP_OK;
    }

    struct soap *answers = soap_new1(SOAP_C_UTFSTRING);
};

int main() {
    Registry registry;
    const SOAP_SOCKET socket = registry.bind("127.0.0.1", 0, 100);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(socket, reinterpret_cast<sockaddr *>(&address), &size);
    std::cout << "http://127.0.0.1:" << ntohs(address.sin_port) << std::endl;
    for (; soap_valid_socket(registry.accept()); registry.destroy()) registry.serve();
}
