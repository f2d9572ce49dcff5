// The classes that gSOAP generates, as text: their elements as plain XML in one line.
#pragma once

#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

// Reads `text` into `object`; what it points to lives as long as the context `soap`.
template <class Object> void read(soap *soap, const std::string &text, Object &object) {
    std::istringstream in(text);
    soap->is = &in;
    object.soap_default(soap);
    bool done = !soap_begin_recv(soap);
    soap->version = 1;  // of SOAP, or references would not be followed
    done = done && object.soap_get(soap, nullptr, nullptr) && !soap_end_recv(soap);
    soap->is = nullptr;
    if (!done) {
        soap_stream_fault(soap, std::cerr);
        throw std::runtime_error("cannot read " + text);
    }
}

inline std::string replaced(std::string text, char character, const std::string &by) {
    for (std::size_t place = 0; (place = text.find(character, place)) != std::string::npos; place += by.size())
        text.replace(place, 1, by);
    return text;
}

template <class Object> std::string written(const Object &object) {
    std::ostringstream out;
    soap *soap = soap_new1(SOAP_C_UTFSTRING | SOAP_XML_TREE);
    soap->os = &out;
    object.soap_serialize(soap);
    const bool done = !soap_begin_send(soap) && !object.soap_put(soap, "value", "") && !soap_end_send(soap);
    soap_destroy(soap);
    soap_end(soap);
    soap_free(soap);
    if (!done) throw std::runtime_error("cannot write");
    const std::string text = out.str();
    return replaced(replaced(text.substr(text.find("<value")), '\n', "&#10;"), '\t', "&#9;");
}
