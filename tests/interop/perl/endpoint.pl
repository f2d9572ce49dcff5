#!/usr/bin/perl
# A registry's endpoint on SOAP::Lite, run in the directory that holds what it needs: answers.json (operation to reply or
# {"fault": TEXT}, else "accepted"). Each request is added as a line of JSON to received.jsonl. Prints its root URL.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use SOAP::Transport::HTTP;
use Values;

my $json = JSON::PP->new->utf8->convert_blessed;

package Registry {

    # Every operation: SOAP::Lite finds the method of the operation's name here.
    sub AUTOLOAD {
        our $AUTOLOAD;
        my (undef, $request) = @_;
        my ($operation) = $AUTOLOAD =~ /(\w+)$/;
        return if $operation eq 'DESTROY';

        open my $received, '>>', 'received.jsonl' or die $!;
        print $received $json->encode({operation => $operation, request => $request}), "\n";
        close $received;

        open my $file, '<', 'answers.json' or die $!;
        my $answer = $json->decode(do { local $/ = undef; <$file> })->{$operation} // {resultIdentifier => 1};
        die SOAP::Fault->faultcode('Server')->faultstring($answer->{fault}) if $answer->{fault};
        return SOAP::Data->name("${operation}Response" => $answer);
    }
}

my $daemon = SOAP::Transport::HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => 0)
    ->dispatch_with({'urn:KyotoProtocol:RegistrySystem:ITL:1.0:0.0' => bless {}, 'Registry'})
    ->serializer(Values::serializer())->deserializer(Values->new)
    ->on_action(sub { });    # else it wants the namespace in SOAPAction
$| = 1;
print $daemon->url, "\n";
$daemon->handle;
