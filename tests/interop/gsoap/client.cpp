// A registry on the proxy that gSOAP makes of the log's WSDL. Reads calls from standard input, a line each: the
// operation, a tab, the request as plain XML. Prints a line for what it read back: "reply", a tab, the reply as plain XML;
// or "fault" and, after a tab each, its code, its text and its detail.
// Usage: client URL USER PASSWORD
//        client URL CERTIFICATE KEY AUTHORITY
#include <fstream>
#include <map>

#include "TransactionLogBinding.nsmap"
#include "soapTransactionLogBindingProxy.h"

#include "literal.hpp"

using Log = TransactionLogBindingProxy;

static std::string fault(soap *soap) {
    soap_set_fault(soap);
    std::string said = "fault";
    for (const char **part : {soap_faultcode(soap), soap_faultstring(soap), soap_faultdetail(soap)})
        said += '\t' + replaced(*part ? *part : "", '\n', " ");
    return said;
}

// gSOAP reads certificate and key from one file.
static int show_certificate(soap *soap, const char *certificate, const char *key, const char *authority) {
    const std::string both = std::string(key) + ".both";
    std::ofstream(both) << std::ifstream(key).rdbuf() << std::ifstream(certificate).rdbuf();
    return soap_ssl_client_context(soap, SOAP_SSL_DEFAULT, both.c_str(), nullptr, authority, nullptr, nullptr);
}

#define CALL(operation, type)                                                                     \
    {                                                                                             \
        #operation, [](Log &log, soap *input, const std::string &text) {                          \
            types__##type##Request request;                                                         \
            itl__##operation##Response response;                                                  \
            read(input, text, request);                                                           \
            if (log.operation(&request, response)) return fault(log.soap);                        \
            const auto *part = response.operation##Response;                                      \
            return "reply\t" + (part ? written(*part) : "<value/>");                              \
        }                                                                                         \
    }

static const std::map<std::string, std::string (*)(Log &, soap *, const std::string &)> CALLS{
    CALL(acceptMessage, Message),
    CALL(acceptProposal, Proposal),
    CALL(acceptNotification, Notification),
    CALL(getTransactionStatus, TransactionStatus),
    CALL(receiveReconciliationResult, ReconciliationResult),
    CALL(provideAuditTrail, ProvideAuditTrail),
    CALL(provideTotals, ProvideTotals),
    CALL(provideUnitBlocks, ProvideUnitBlocks),
    CALL(receiveAuditTrail, ReceiveAuditTrail),
    CALL(receiveTotals, ReceiveTotals),
    CALL(receiveUnitBlocks, ReceiveUnitBlocks),
};

int main(int count, char **arguments) {
    Log log(arguments[1], SOAP_C_UTFSTRING);
    const bool basic = count == 4;
    if (!basic && show_certificate(log.soap, arguments[2], arguments[3], arguments[4])) {
        soap_stream_fault(log.soap, std::cerr);
        return 1;
    }
    soap *input = soap_new1(SOAP_C_UTFSTRING);
    for (std::string operation, text; std::getline(std::cin, operation, '\t') && std::getline(std::cin, text);) {
        log.soap->userid = basic ? arguments[2] : nullptr;  // for one call each
        log.soap->passwd = basic ? arguments[3] : nullptr;
        std::cout << CALLS.at(operation)(log, input, text) << std::endl;
        log.destroy();
    }
    soap_destroy(input);
    soap_end(input);
    soap_free(input);
}
