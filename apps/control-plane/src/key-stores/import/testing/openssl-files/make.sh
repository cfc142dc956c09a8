#!/bin/sh
# Makes every file of this folder anew, with OpenSSL 3 and its legacy provider. Their two keys are used nowhere else.
set -eu
cd "$(dirname "$0")"
password=pa55word
legacy='-provider legacy -provider default'

openssl genrsa -out rsa.pkcs8.pem 2048
openssl rsa -in rsa.pkcs8.pem -traditional -out rsa.pkcs1.pem
openssl rsa -in rsa.pkcs8.pem -pubout -out rsa.spki.pem
openssl rsa -in rsa.pkcs8.pem -RSAPublicKey_out -out rsa.pkcs1-public.pem
openssl rsa -in rsa.pkcs8.pem -traditional -des3 -passout pass:$password -out rsa.legacy-3des.pem

openssl ecparam -name prime256v1 -genkey -out ec.sec1-with-parameters.pem
openssl ec -in ec.sec1-with-parameters.pem -out ec.sec1.pem
openssl pkcs8 -topk8 -nocrypt -in ec.sec1.pem -out ec.pkcs8.pem
openssl ec -in ec.sec1.pem -pubout -out ec.spki.pem
openssl ec -in ec.sec1.pem -aes128 -passout pass:$password -out ec.legacy-aes.pem
openssl ec -in ec.sec1.pem -des $legacy -passout pass:$password -out ec.legacy-des.pem
openssl req -x509 -new -key ec.sec1.pem -subj /CN=test -days 36500 -out ec.certificate.pem
openssl req -x509 -new -key rsa.pkcs8.pem -subj /CN=issuer -days 36500 -out rsa.certificate.pem
cat ec.sec1-with-parameters.pem ec.spki.pem ec.certificate.pem > ec.with-its-public-half.pem
cat ec.pkcs8.pem rsa.pkcs8.pem > two-private.pem
cat ec.spki.pem rsa.spki.pem > two-public.pem

pkcs8() { openssl pkcs8 -topk8 -in ec.sec1.pem -passout pass:$password "$@"; }
pkcs8 -v2 aes-256-cbc -out ec.pbes2-aes256.pem
pkcs8 -v2 aes-128-cbc -v2prf hmacWithSHA1 -out ec.pbes2-aes128-sha1.pem
pkcs8 -v2 des3 -out ec.pbes2-3des.pem
pkcs8 -scrypt -out ec.pbes2-scrypt.pem
# None of the three is a large number, their product is.
pkcs8 -scrypt -scrypt_N 64 -scrypt_r 8 -scrypt_p 4096 -out ec.pbes2-costly-scrypt.pem
pkcs8 -v1 PBE-SHA1-3DES -out ec.pbes1-3des.pem
pkcs8 -v1 PBE-SHA1-RC2-40 $legacy -out ec.pbes1-rc2-40.pem
pkcs8 -v1 PBE-SHA1-RC4-128 $legacy -out ec.pbes1-rc4.pem
pkcs8 -v1 PBE-MD5-DES $legacy -out ec.pbes1-md5-des.pem

pkcs12() { openssl pkcs12 -export -inkey ec.sec1.pem -in ec.certificate.pem "$@"; }
pkcs12 -passout pass:$password -out ec.aes.p12
pkcs12 -legacy -passout pass:$password -out ec.rc2-certificate-3des-key.p12
pkcs12 -certfile rsa.certificate.pem -passout pass:$password -out ec.chain.p12
pkcs12 -passout pass: -out ec.empty-password.p12
pkcs12 -passout pass:pässwörd -out ec.other-letters.p12
pkcs12 -keypbe NONE -certpbe NONE -passout pass: -out ec.plain.p12
pkcs12 -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-40 $legacy -passout pass:$password -out ec.rc2-key.p12
