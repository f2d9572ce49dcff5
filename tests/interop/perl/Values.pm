# What SOAP::Lite must be told to write and read values as the log, and JSON, have them.
package Values;
use strict;
use warnings;
use SOAP::Lite;
use parent -norequire, 'SOAP::Deserializer';

# Numbers, which it reads as text: the same to Perl, but not to JSON.
sub typecast {
    my (undef, $value, undef, undef, undef, $type) = @_;
    return ($type // '') =~ /\}(?:int|long)$/ ? 0 + $value : undef;
}

# It makes objects of a class for each type.
sub UNIVERSAL::TO_JSON { return {%{$_[0]}} }

# Text that is not ASCII would go out as base64, which the interface has no place for.
sub serializer {
    my $serializer = SOAP::Serializer->new;
    my %guesses = %{$serializer->typelookup};
    delete $guesses{base64Binary};
    return $serializer->typelookup(\%guesses);
}

1;
