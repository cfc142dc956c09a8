import { appendFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { stepsOf } from '../domain/index.ts';
import { recorded } from '../testing/random-history.ts';
import { endpointAdded, policyAdded, proxyCreated, sampleVerification, AT_REQUEST } from '../testing/sample-proxy.ts';
import { proxyEventView } from './proxy-event-view.ts';
import { parsePolicy } from '#libs/policy-contracts';
test('bench',()=>{
 const pem=generateKeyPairSync('rsa',{modulusLength:2048}).publicKey.export({type:'spki',format:'pem'}).toString();
 for (const withKey of [false,true]) for (const [P,E] of [[3,3],[30,30]] as const){
 const pol=(i:number)=>sampleVerification(withKey?{algorithm:'RS256',secretKey:null,publicKey:{value:pem},audience:`a${i}`}:{audience:`a${i}`});
 const ev:any[]=[proxyCreated];
 for(let i=0;i<E;i++)ev.push(endpointAdded(`/e${i}`));
 for(let i=0;i<P;i++)ev.push(policyAdded(`p${i}`,i+1,AT_REQUEST,pol(0)));
 for(let i=0;ev.length<1000;i++){const n=i%P; ev.push({type:'PolicyUpdated',schemaVersion:1,data:{proxyId:'p-1',name:`p${n}`,place:AT_REQUEST,order:n+1,policy:JSON.parse(JSON.stringify(pol(i)))}});}
 const rec=ev.map(recorded);
 let t=performance.now(); const steps=stepsOf(rec); const a=performance.now()-t;
 t=performance.now(); for(const s of ev) if(s.data.policy) parsePolicy(s.data.policy); const c=performance.now()-t;
 t=performance.now(); const v=steps.map(proxyEventView); const b=performance.now()-t;
 t=performance.now(); const j=JSON.stringify(v).length; const d=performance.now()-t;
 appendFileSync('/tmp/h/r2-bench.txt',`key=${withKey} P=${P} E=${E} steps ${a.toFixed(0)} parse ${c.toFixed(0)} views ${b.toFixed(0)} json ${d.toFixed(0)} (${j})\n`);
 }
});
