<?php
// What the log calls: php -S 127.0.0.1:8090 docs/examples/endpoint.php
class Endpoint
{
    private array $done = ['resultIdentifier' => 1];

    public function acceptNotification($told)
    {
        return $this->keep("$told->transactionIdentifier has status $told->transactionStatus");
    }

    public function acceptProposal($told)
    {
        return $this->keep("{$told->proposedTransaction->transactionIdentifier} is a transfer to this registry");
    }

    public function acceptMessage($told)
    {
        return $this->keep($told->messageContent);
    }

    public function provideTime($asked)
    {
        return $this->done + ['systemTime' => gmdate('Y-m-d\TH:i:s\Z')];
    }

    // A real registry stores the message here, before it is acknowledged.
    private function keep(string $text): array
    {
        file_put_contents('php://stderr', "$text\n");
        return $this->done;
    }
}

$server = new SoapServer(__DIR__ . '/../../wsdl/registry.wsdl', ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setClass('Endpoint');
$server->handle();
