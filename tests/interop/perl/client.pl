#!/usr/bin/perl
# A registry on SOAP::Lite. Reads calls from standard input as JSON, [{"operation": ..., "request": {...}}, ...];
# prints what it read back: [{"reply": {...}} or {"fault": {"code": ..., "string": ..., "detail": ...}}, ...].
# Usage: perl client.pl URL USER PASSWORD
#        perl client.pl URL CERTIFICATE KEY AUTHORITY
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use SOAP::Lite;
use Values;

my ($url, @identity) = @ARGV;

# Not by ->service(WSDL): the stub that it makes writes no structs, but sends the request as nil.
my $log = SOAP::Lite->proxy($url)->serializer(Values::serializer())->deserializer(Values->new)
    ->ns('urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0', 'itl')
    ->on_action(sub { qq("$_[1]") })->on_fault(sub { $_[1] });
if (@identity == 2) {
    $log->transport->http_request->authorization_basic(@identity);
} else {
    my %tls = (SSL_cert_file => $identity[0], SSL_key_file => $identity[1], SSL_ca_file => $identity[2]);
    $log->transport->ssl_opts(%tls);
}

sub outcome {
    my ($operation, $request) = @_;
    my $som = $log->call($operation, SOAP::Data->name("${operation}Request" => $request));
    return {fault => {code => 'HTTP', string => $log->transport->status, detail => undef}} if !ref $som;
    return {reply => $som->result} if !$som->fault;
    return {fault => {code => $som->faultcode, string => $som->faultstring, detail => scalar $som->faultdetail}};
}

my $json = JSON::PP->new->utf8->convert_blessed;
my $calls = $json->decode(do { local $/ = undef; <STDIN> });
print $json->encode([map { outcome($_->{operation}, $_->{request}) } @$calls]), "\n";
